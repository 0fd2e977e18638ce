#!/usr/bin/env bash
# The tool clade-mnist, from outside: test_mnist_tool.sh BINARY SUBSET
# Real MNIST only where CLADE_DATA_DIR points to it; PNG where CLADE_WITH_PNG is not empty.
# shellcheck disable=SC2317 # functions that only check calls
set -u
mnist=$1
subset=$2
here=$(dirname "$0")
real_data=${CLADE_DATA_DIR:-}
unset CLADE_DATA_DIR NO_COLOR
CLADE_WITH_PNG=${CLADE_WITH_PNG-1}
# shellcheck source=tests/tap.sh
. "$here/tap.sh"
export TERM=xterm

files() { python3 "$here/mnist_tool_files.py" "$@"; }
is_json() { python3 -m json.tool <"$1" >/dev/null; }
differ() { [ -s "$1" ] && [ -s "$2" ] && ! cmp -s "$1" "$2"; }

# --- small data sets ------------------------------------------------------------------------------
names=(train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte
    t10k-labels-idx1-ubyte)
be32() {
    local hex
    printf -v hex '%08x' "$1"
    printf '%b' "\\x${hex:0:2}\\x${hex:2:2}\\x${hex:4:2}\\x${hex:6:2}"
}

# images FILE COUNT and labels FILE COUNT: the first of the test images, plain.
images() {
    { be32 2051; be32 "$2"; be32 28; be32 28; } >"$1"
    gzip -dc "$subset/t10k-images-idx3-ubyte.gz" | tail -c +17 | head -c $(($2 * 784)) >>"$1"
}
labels() {
    { be32 2049; be32 "$2"; } >"$1"
    gzip -dc "$subset/t10k-labels-idx1-ubyte.gz" | tail -c +9 | head -c "$2" >>"$1"
}
# dataset DIR TRAINING TEST: so many images.
dataset() {
    mkdir -p "$1"
    images "$1/${names[0]}" "$2"
    labels "$1/${names[1]}" "$2"
    images "$1/${names[2]}" "$3"
    labels "$1/${names[3]}" "$3"
}
dataset "$work/tiny" 300 50

# --- help, version, devices -----------------------------------------------------------------------
run "$mnist" --help
check "--help exits 0" status_is 0
cp "$work/out" "$work/help"
run "$mnist" -h
check "-h is --help" cmp -s "$work/out" "$work/help"
check "-h exits 0" status_is 0
for option in data device epochs batch model optimizer dtype lr momentum weight-decay schedule ema \
    label-smoothing augment hidden seed log-every save checkpoint load json eager quiet \
    list-devices help version index; do
    check "--help tells of --$option" out_has "--$option"
done
run "$mnist" --version
check "--version" out_has '^clade-mnist [0-9]+\.[0-9]+\.[0-9]+$'
run "$mnist" --list-devices
check "--list-devices marks the one in use" out_has '^\* [0-9]+  [0-9]+:[0-9]+ '
check "--list-devices exits 0" status_is 0
run env OCL_ICD_VENDORS=/nonexistent "$mnist" --list-devices
check "--list-devices without a platform exits 1" status_is 1
failure "no such device" "no-such-device" "$mnist" --quiet --data "$work/tiny" \
    --device no-such-device

# --- wrong usage ----------------------------------------------------------------------------------
usage "an unknown option" "--frobnicate: no such option" "$mnist" --frobnicate
usage "an unknown letter" "-x: no such option" "$mnist" -x
usage "an unknown command" "'tran' is not a command" "$mnist" tran
usage "a word too many" "'more': one argument too many" "$mnist" train more
for option in data device epochs batch model optimizer dtype lr momentum weight-decay schedule ema \
    label-smoothing hidden seed log-every save checkpoint load json index; do
    usage "--$option without a value" "--$option: needs a value" "$mnist" "--$option"
done
for option in eager quiet augment list-devices help version; do
    usage "--$option=1" "--$option: takes no value" "$mnist" "--$option=1"
done
for option in data device save checkpoint load json; do
    usage "--$option ''" "--$option: may not be empty" "$mnist" "--$option" ''
done
for value in '' 0 -1 1.5 5x ' 5' 0x5 99999999999999999999; do
    usage "--epochs '$value'" "--epochs: '$value' is not" "$mnist" --epochs "$value"
    usage "--batch '$value'" "--batch: '$value' is not" "$mnist" --batch "$value"
done
for option in lr momentum weight-decay; do
    for value in '' -1 nan inf 0x1p3 1e 1,5 ' 1'; do
        usage "--$option '$value'" "--$option: '$value' is not" "$mnist" "--$option" "$value"
    done
done
for value in '' SGD ada adamw2; do
    usage "--optimizer '$value'" "--optimizer: '$value' is not sgd, adam or adamw" \
        "$mnist" --optimizer "$value"
done
for value in '' cos 'none,'; do
    usage "--schedule '$value'" \
        "--schedule: '$value' is not none, step, cosine, one-cycle or plateau" \
        "$mnist" --schedule "$value"
done
for value in 1 -0.1 x; do
    usage "--ema '$value'" "--ema: '$value' is not" "$mnist" --ema "$value"
done
for value in '' F16 half; do
    usage "--dtype '$value'" "--dtype: '$value' is not f32, bf16 or f16" "$mnist" --dtype "$value"
done
usage "--label-smoothing 1.5" "--label-smoothing: '1.5' is not" "$mnist" --label-smoothing 1.5
usage "--model resnet" "--model: 'resnet' is not mlp or cnn" "$mnist" --model resnet
usage "eval --model" "--model: not an option of eval" "$mnist" eval --load w --model cnn
usage "--momentum with cnn" "--momentum: adam has none" "$mnist" --momentum 0.9 --model cnn
usage "--momentum with adam" "--momentum: adam has none" "$mnist" --momentum 0.9 --optimizer adam
usage "eval --optimizer" "--optimizer: not an option of eval" "$mnist" eval --load w \
    --optimizer adam
usage "--log-every -1" "--log-every: '-1' is not" "$mnist" --log-every -1
usage "--seed -1" "--seed: '-1' is not" "$mnist" --seed -1
usage "--seed 2^64" "--seed: '18446744073709551616' is not" "$mnist" --seed 18446744073709551616
for value in '' ',' '128,' ',128' 128,,64 0 x 128,-1 99999999 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1; do
    usage "--hidden '$value'" "--hidden: '$value' is not" "$mnist" --hidden "$value"
done
usage "eval without weights" "eval needs weights: --load" "$mnist" eval
usage "predict without weights" "predict needs weights: --load" "$mnist" predict x.png
usage "predict without a picture" "predict needs a picture" "$mnist" predict --load w
usage "eval --save" "--save: not an option of eval" "$mnist" eval --load w --save x
usage "predict --data" "--data: not an option of predict" "$mnist" predict x.png --load w --data d
usage "train --index" "--index: not an option of train" "$mnist" --index 1

# --- faults of the data ---------------------------------------------------------------------------
# fault WHAT FILE PATTERN: after $work/bad was made from tiny and one file was spoilt.
fault() { failure "$1" "$2.*$3" "$mnist" --quiet --epochs 1 --data "$work/bad"; }
fresh() {
    rm -rf "$work/bad"
    cp -r "$work/tiny" "$work/bad"
}
failure "no folder" "$work/nowhere" "$mnist" --quiet --data "$work/nowhere"
for f in "${names[@]}"; do
    fresh
    rm "$work/bad/$f"
    failure "no $f" "$work/bad" "$mnist" --quiet --data "$work/bad"
    fresh
    truncate -s -1 "$work/bad/$f"
    fault "$f lacks a byte" "$f" ""
    fresh
    echo >>"$work/bad/$f"
    fault "$f has a byte more" "$f" ""
    fresh
    truncate -s 3 "$work/bad/$f"
    fault "$f is three bytes" "$f" ""
    fresh
    gzip "$work/bad/$f"
    truncate -s -9 "$work/bad/$f.gz"
    fault "$f.gz is cut" "$f" ""
    fresh
    { cat "$work/bad/$f"; head -c 1000000 /dev/zero; } | gzip >"$work/bad/$f.gz"
    rm "$work/bad/$f"
    fault "$f.gz expands beyond its header" "$f" ""
done
f=${names[0]}
fresh
printf '\x08\x01' | dd of="$work/bad/$f" bs=1 seek=2 conv=notrunc status=none
fault "images with the magic of labels" "$f" ""
fresh
printf '\x0d' | dd of="$work/bad/$f" bs=1 seek=2 conv=notrunc status=none
fault "images of floats" "$f" ""
fresh
be32 4294967295 | dd of="$work/bad/$f" bs=1 seek=4 conv=notrunc status=none
fault "2^32-1 images" "$f" ""
fresh
images "$work/bad/$f" 299
failure "fewer images than labels" "299" "$mnist" --quiet --data "$work/bad"
fresh
printf '\x0a' | dd of="$work/bad/${names[1]}" bs=1 seek=20 conv=notrunc status=none
fault "a label of 10" "${names[1]}" "10"
fresh
{ be32 2051; be32 0; be32 28; be32 28; } >"$work/bad/$f"
{ be32 2049; be32 0; } >"$work/bad/${names[1]}"
failure "no images" "$work/bad" "$mnist" --quiet --data "$work/bad"

# --- where the output goes ------------------------------------------------------------------------
for option in save checkpoint json; do
    failure "--$option in no folder" "$work/no/where: cannot be written" \
        "$mnist" --quiet --epochs 1 --data "$work/tiny" "--$option" "$work/no/where"
    failure "--$option is a folder" "$work/tiny: cannot be written" \
        "$mnist" --quiet --epochs 1 --data "$work/tiny" "--$option" "$work/tiny"
    failure "--$option below a file" "cannot be written" \
        "$mnist" --quiet --epochs 1 --data "$work/tiny" "--$option" "$work/tiny/${names[0]}/x"
done
if [ -w /dev/full ]; then
    status=0
    "$mnist" --help >/dev/full 2>"$work/err" || status=$?
    check "a full disk below stdout exits 1" status_is 1
else
    skip "a full disk below stdout exits 1" "no /dev/full"
fi

# --- training -------------------------------------------------------------------------------------
common=(--data "$subset" --epochs 2 --log-every 20)
run "$mnist" "${common[@]}" --save "$work/a.safetensors" --json "$work/a.json"
check "training exits 0" status_is 0
check "the data set has its name" out_has '^data: MNIST .*subset.*, 6,000 training and 1,000 test'
check "the network is the reference" out_has '^model: 784-128-10, 101,770 weights$'
check "a line every 20 mini-batches" out_has '^\[1,    20\] loss: [0-9]\.[0-9]{3}$'
check "steps count from 1 in each epoch" out_has '^\[2,    40\] loss: [0-9]\.[0-9]{3}$'
check "none for the rest of the epoch" out_lacks '^\[1,    4[1-9]\]'
check "each epoch is tested" out_has '^epoch 2: .*test loss 0\.[0-9]+, test accuracy [0-9.]+ %'
check "summary" out_has '^training: 94 steps, [0-9,]+ images/s, [0-9]+ us per step'
check "summary has the accuracy" out_has '^test accuracy: [89][0-9]\.[0-9]+ %'
check "no bar without a terminal" err_lacks $'\r|images/s'
check "JSON is JSON" is_json "$work/a.json"
check "JSON holds what it should" files train-json "$work/a.json" 2 94
check "weights are named as the reference" files weights "$work/a.safetensors" 784 128 10

run "$mnist" "${common[@]}" --quiet --save "$work/b.safetensors"
check "--quiet prints one line" out_lines 1
check "--quiet is quiet on stderr" err_lines 0
check "the same seed gives the same bits" cmp -s "$work/a.safetensors" "$work/b.safetensors"
run "$mnist" train "${common[@]}" --quiet --seed 1 --save "$work/b.safetensors"
check "another seed gives others" differ "$work/a.safetensors" "$work/b.safetensors"

# Each option must change the weights.
tiny_train() {
    run "$mnist" --data "$work/tiny" --epochs 2 --quiet --save "$@"
    status_is 0
}
changes() {
    tiny_train "$work/changed.safetensors" "$@" &&
        differ "$work/changed.safetensors" "$work/plain.safetensors"
}
tiny_train "$work/plain.safetensors"
tiny_train "$work/eager.safetensors" --eager
check "--eager gives the same bits" cmp -s "$work/eager.safetensors" "$work/plain.safetensors"
check "--epochs counts" changes --epochs 3
check "--batch counts" changes --batch 100
check "--lr counts" changes --lr 0.02
check "--optimizer counts" changes --optimizer adam
check "--momentum counts" changes --momentum 0
check "--weight-decay counts" changes --weight-decay 0.1
check "--schedule counts" changes --schedule cosine
check "--ema counts" changes --ema 0.9
check "--label-smoothing counts" changes --label-smoothing 0.1
for dtype in bf16 f16; do
    check "--dtype $dtype counts" changes --dtype "$dtype"
    cp "$work/changed.safetensors" "$work/$dtype.safetensors"
    tiny_train "$work/eager.safetensors" --dtype "$dtype" --eager
    check "--dtype $dtype --eager gives the same bits" \
        cmp -s "$work/eager.safetensors" "$work/$dtype.safetensors"
done
check "--augment counts" changes --augment
cp "$work/changed.safetensors" "$work/augmented.safetensors"
tiny_train "$work/eager.safetensors" --augment --eager
check "--augment draws anew in each replay, as called" \
    cmp -s "$work/eager.safetensors" "$work/augmented.safetensors"
check "--hidden counts" changes --hidden 64
check "--load counts" changes --load "$work/a.safetensors"
same() {
    tiny_train "$work/changed.safetensors" "$@" &&
        cmp -s "$work/changed.safetensors" "$work/plain.safetensors"
}
check "the defaults are the reference" same --dtype f32 --batch 128 --optimizer sgd --lr 0.01 --momentum 0.9 \
    --weight-decay 0 --hidden 128 --seed 0 --log-every 7
run "$mnist" --data "$work/tiny" --epochs 1 --hidden 32,16 --save "$work/c.safetensors"
check "--hidden 32,16" files weights "$work/c.safetensors" 784 32 16 10
check "a batch larger than the data is the data" changes --batch 1000000
run "$mnist" --data "$work/tiny" --epochs 1 --log-every 0
check "--log-every 0 logs nothing" out_lacks 'loss: '
run env CLADE_DATA_DIR="$work/tiny" "$mnist" --epochs 1
check "CLADE_DATA_DIR is used" out_has "300 training and 50 test images of 28x28, from $work/tiny"
run "$mnist" --data "$work/tiny" --epochs 2 --lr 1e6 --json "$work/nan.json" --quiet
check "a loss that is no number stays JSON" is_json \
    "$work/nan.json"

# --- the arithmetic, against the same in Python -----------------------------------------------------
dataset "$work/few" 20 10
few() { run "$mnist" --data "$work/few" --quiet --hidden 8 "$@"; }
few --epochs 1 --lr 0 --batch 12 --save "$work/start.safetensors" --json "$work/start.json"
check "the weights start as nn.Linear's" files initial "$work/start.safetensors"
check "losses are per image, the short batch included" \
    files losses "$work/start.safetensors" "$work/few" "$work/start.json"
few --epochs 4 --batch 20 --lr 0.05 --momentum 0.8 --weight-decay 0.1 --save "$work/end.safetensors"
check "four steps are PyTorch's" files trained "$work/start.safetensors" "$work/end.safetensors" \
    "$work/few" 4 sgd 0.05 0.8 0.1
for optimizer in adam adamw; do
    few --epochs 4 --batch 20 --optimizer "$optimizer" --weight-decay 0.1 \
        --save "$work/$optimizer.safetensors"
    check "four steps of $optimizer are PyTorch's" files trained "$work/start.safetensors" \
        "$work/$optimizer.safetensors" "$work/few" 4 "$optimizer" 0.001 0 0.1
done
for schedule in step cosine; do
    few --epochs 4 --batch 20 --lr 0.05 --schedule "$schedule" --save "$work/rates.safetensors"
    check "four steps with --schedule $schedule" files trained "$work/start.safetensors" \
        "$work/rates.safetensors" "$work/few" 4 sgd 0.05 0.9 0 "$schedule"
done
few --epochs 4 --batch 20 --lr 0.05 --label-smoothing 0.3 --save "$work/smooth.safetensors"
check "four steps with --label-smoothing" files trained "$work/start.safetensors" \
    "$work/smooth.safetensors" "$work/few" 4 sgd 0.05 0.9 0 none 0 0.3
few --epochs 4 --batch 20 --lr 0.05 --ema 0.8 --save "$work/average.safetensors"
check "the average of four steps" files trained "$work/start.safetensors" \
    "$work/average.safetensors" "$work/few" 4 sgd 0.05 0.9 0 none 0.8
run "$mnist" predict --load "$work/end.safetensors" "$work/few/${names[0]}" --index 7
check "predict's probabilities" files predicted "$work/end.safetensors" "$work/few/${names[0]}" 7 \
    "$work/out"

# --- the seed, against PyTorch's ---------------------------------------------------------------------
# seeded GOLDENS SEED HIDDEN: the weights to start from, and the loss of each image in its turn.
seeded() {
    run "$mnist" --data "$work/few" --hidden "$3" --seed "$2" --epochs 2 --batch 1 --lr 0 \
        --log-every 1 --save "$work/seeded.safetensors"
    check "seed $2, hidden $3: the weights start as PyTorch's" \
        files seeded-weights "$work/seeded.safetensors" "$1" "$2"
    check "seed $2, hidden $3: the images come in PyTorch's order" \
        files seeded-order "$work/seeded.safetensors" "$1" "$2" "$work/few" "$work/out"
}
seeded "$here/goldens/seed.safetensors" 0 2
seeded "$here/goldens/seed.safetensors" 1099511627783 2
torch_python=
for candidate in python3 /usr/bin/python3; do
    [ -n "$torch_python" ] || ! "$candidate" -c 'import numpy, torch' 2>"$work/err" ||
        torch_python=$candidate
done
if [ -z "$torch_python" ]; then
    skip "seed 4 in the PyTorch of this machine" "no python3 with torch"
else
    run "$torch_python" "$here/goldens/seed_goldens.py" "$work/live.safetensors" 4 20 2 784 128 10
    if status_is 77; then
        skip "seed 4 in the PyTorch of this machine" "$(cat "$work/out")"
    else
        check "PyTorch draws for seed 4" status_is 0
        seeded "$work/live.safetensors" 4 128
    fi
fi

# --- saved, tested, used --------------------------------------------------------------------------
run "$mnist" eval --data "$subset" --load "$work/a.safetensors" --json "$work/eval.json"
check "eval exits 0" status_is 0
check "eval prints" out_has '^test loss 0\.[0-9]+, test accuracy [0-9.]+ % on MNIST'
check "eval agrees with the training that wrote the weights" files same-test "$work/a.json" \
    "$work/eval.json"
run "$mnist" eval --data "$work/tiny" --load "$work/c.safetensors" --quiet
check "the weights bring their hidden layers" status_is 0
check "eval --quiet prints one line" out_lines 1
run "$mnist" --data "$subset" --epochs 1 --log-every 10 --load "$work/a.safetensors"
check "training goes on from --load" out_has '^\[1,    10\] loss: 0\.[0-5]'
failure "no weights" "$work/none: " "$mnist" eval --quiet --data "$work/tiny" --load "$work/none"
failure "weights that are none" "$work/a.json: " "$mnist" eval --quiet --data "$work/tiny" \
    --load "$work/a.json"
failure "weights of another shape" "fc1.weight" "$mnist" --quiet --data "$work/tiny" --epochs 1 \
    --hidden 64 --load "$work/a.safetensors"
head -c 5000 "$work/a.safetensors" >"$work/cut.safetensors"
failure "weights cut short" "$work/cut.safetensors: " "$mnist" eval --quiet --data "$work/tiny" \
    --load "$work/cut.safetensors"

# --- the convolutional network -----------------------------------------------------------------------
run "$mnist" --model cnn --data "$work/tiny" --epochs 2 --seed 4 --json "$work/cnn.json" \
    --save "$work/cnn.safetensors"
check "--model cnn exits 0" status_is 0
check "--model cnn says what it is" out_has '^model: conv 1-32-64, 3136-128-10, 421,642 weights$'
check "its weights are those of the layers" files cnn-weights "$work/cnn.safetensors"
run "$mnist" eval --data "$work/tiny" --load "$work/cnn.safetensors" --json "$work/eval.json"
check "the weights bring the convolutions" files same-test "$work/cnn.json" "$work/eval.json"
run "$mnist" predict --quiet --load "$work/cnn.safetensors" "$work/tiny/${names[2]}"
check "predict takes them too" out_has '^[0-9]$'
run "$mnist" --quiet --data "$work/tiny" --epochs 1 --load "$work/cnn.safetensors"
check "training goes on from them" status_is 0
failure "--model mlp with them" "weights of a cnn" "$mnist" --quiet --data "$work/tiny" --model mlp \
    --load "$work/cnn.safetensors"
failure "--model cnn with weights of layers" "weights of a mlp" "$mnist" --quiet \
    --data "$work/tiny" --model cnn --load "$work/a.safetensors"
run "$mnist" --quiet --model cnn --data "$work/tiny" --epochs 2 --seed 4 --eager \
    --save "$work/eager.safetensors"
check "--eager gives a cnn of the same weights" cmp -s "$work/cnn.safetensors" \
    "$work/eager.safetensors"
if [ -n "$torch_python" ]; then
    run "$mnist" --quiet --model cnn --data "$work/few" --epochs 4 --batch 20 --seed 4 \
        --save "$work/cnn.safetensors"
    check "four steps of a cnn are PyTorch's" "$torch_python" "$here/cnn_in_torch.py" \
        "$work/cnn.safetensors" "$work/few" 4 4
else
    skip "four steps of a cnn are PyTorch's" "no python3 with torch"
fi

predict() { run "$mnist" predict --load "$work/a.safetensors" "$@"; }
test_images=$subset/t10k-images-idx3-ubyte.gz
predict "$test_images"
check "predict exits 0" status_is 0
check "predict prints the class" out_has '^class: [0-9]$'
check "predict prints ten probabilities" out_count 10 '^  [0-9] +[0-9.]+ %'
check "predict draws in ASCII without a terminal" out_has '[#@%]'
check "and without escapes" out_lacks $'\033'
predict "$test_images" --index 999 --quiet
check "predict --quiet prints the class only" out_has '^[0-9]$'
check "in one line" out_lines 1
predict --index 50 "$work/tiny/${names[2]}" --quiet
check "--index behind the last" said_only 1 "no image 50: it holds 50"
predict --quiet "$work/tiny/${names[1]}"
check "labels are no picture" said_only 1 "${names[1]}.*neither an image nor images"
predict --quiet "$work/nowhere.png"
check "no picture" said_only 1 "nowhere.png: No such file"
predict --quiet "$work/a.json"
check "a file that is no picture" said_only 1 "a.json: "

predict "$test_images" --index 500 --quiet
class=$(cat "$work/out")
if [ -n "$CLADE_WITH_PNG" ]; then
    files png "$test_images" 500 "$work" >/dev/null
    for name in plain large wide inverted; do
        predict "$work/$name.png"
        check "predict $name.png gives the same class" out_has "^class: $class\$"
    done
    check "an inverted picture is told of" out_has "dark on light, inverted"
    predict "$work/large.png"
    check "another size is told of" out_has "112x112, fitted into 28x28"
    predict --quiet "$work/plain.png" --index 1
    check "--index with a PNG" said_only 1 "--index is for IDX files"
    head -c 60 "$work/plain.png" >"$work/cut.png"
    predict --quiet "$work/cut.png"
    check "a PNG cut short" said_only 1 "cut.png: "
else
    skip "predict a PNG" "built without libpng"
fi

# --- Ctrl-C ---------------------------------------------------------------------------------------
# interrupt SIGNAL ARGUMENTS...: sends it after the first loss line.
interrupt() {
    local signal=$1
    shift
    "$mnist" --data "$subset" --epochs 1000000 --log-every 5 "$@" >"$work/out" 2>"$work/err" &
    local pid=$!
    for _ in $(seq 1200); do
        grep -q 'loss: ' "$work/out" && break
        sleep 0.05
    done
    kill "-$signal" "$pid"
    { sleep 60 && kill -KILL "$pid"; } >"$work/late" 2>&1 &
    local late=$!
    status=0
    wait "$pid" || status=$?
    kill "$late" 2>"$work/late"
}
interrupt INT --save "$work/int.safetensors" --json "$work/int.json"
check "Ctrl-C exits 130" status_is 130
check "says where it was" out_has '^interrupted after [0-9,]+ steps$'
check "writes JSON" files train-json "$work/int.json" any any
run "$mnist" eval --data "$subset" --load "$work/int.safetensors"
check "saves weights that load" status_is 0
interrupt TERM
check "SIGTERM exits 143" status_is 143

# --- broken off and gone on with ------------------------------------------------------------------
# goes_on OPTION...: interrupted after the first epoch or later, the run ends with the same weights.
goes_on() {
    local how=(--data "$subset" --epochs 5 --quiet "$@")
    rm -f "$work/run"
    run "$mnist" "${how[@]}" --save "$work/whole.safetensors"
    status_is 0 || return 1
    "$mnist" "${how[@]}" --checkpoint "$work/run" >"$work/out" 2>"$work/err" &
    local pid=$!
    for _ in $(seq 1200); do
        [ -e "$work/run" ] && break
        sleep 0.05
    done
    kill -INT "$pid"
    wait "$pid"
    run "$mnist" "${how[@]}" --checkpoint "$work/run" --save "$work/parted.safetensors"
    status_is 0 && cmp -s "$work/whole.safetensors" "$work/parted.safetensors"
}
check "--checkpoint goes on" goes_on
check "with adam and cosine" goes_on --optimizer adam --schedule cosine
check "with one-cycle, an average and moved pictures" goes_on --schedule one-cycle --ema 0.9 \
    --augment --label-smoothing 0.1
check "with a loss that is scaled" goes_on --dtype f16
check "with plateau" goes_on --schedule plateau --lr 0.3
tiny_checkpoint() {
    run "$mnist" --data "$work/tiny" --epochs 2 --checkpoint "$work/tiny.run" "$@"
}
tiny_checkpoint
check "the first run starts afresh" out_lacks '^going on'
tiny_checkpoint --epochs 3
check "the next one says from where" out_has '^going on after epoch 2, from '
check "and does the rest" out_has '^epoch 3: '
failure "another --batch" "tiny.run: the run there has another --batch" "$mnist" --quiet \
    --data "$work/tiny" --checkpoint "$work/tiny.run" --batch 64
failure "another optimizer" "tiny.run: the optimizer was sgd, here adam" "$mnist" --quiet \
    --data "$work/tiny" --checkpoint "$work/tiny.run" --optimizer adam
failure "weights that are no checkpoint" "is no checkpoint" "$mnist" --quiet --data "$work/tiny" \
    --checkpoint "$work/a.safetensors"

# --- on a terminal --------------------------------------------------------------------------------
if command -v script >/dev/null; then
    # on_terminal COMMAND: all that it writes to a terminal, to $work/out.
    on_terminal() { run script -qec "$1" /dev/null; }
    quoted="'$mnist' --data '$subset' --epochs 2"
    on_terminal "$quoted"
    check "a bar on a terminal" out_has $'\r.*epoch 1/2 \\[.*\\] +[0-9]+ %  [0-9,]+ images/s  [0-9:]+ left'
    check "in colour" out_has $'\033\\[32m'
    on_terminal "NO_COLOR=1 $quoted"
    check "NO_COLOR: still a bar" out_has 'epoch 1/2 \['
    check "NO_COLOR: no colours" out_lacks $'\033\\[[0-9;]*m'
    on_terminal "NO_COLOR= $quoted"
    check "an empty NO_COLOR does not count" out_has $'\033\\[32m'
    on_terminal "TERM=dumb $quoted"
    check "no bar on a dumb terminal" out_lacks 'epoch 1/2 \['
    on_terminal "$quoted --quiet"
    check "no bar with --quiet" out_lacks 'epoch 1/2 \['
    on_terminal "$quoted 2>/dev/null"
    check "no bar when stderr is elsewhere" out_lacks 'epoch 1/2 \['
    look="'$mnist' predict --load '$work/a.safetensors' '$test_images'"
    on_terminal "LC_ALL=C.UTF-8 $look"
    check "predict draws half blocks in grey" out_has $'\033\\[38;5;[0-9]+;48;5;[0-9]+m▀'
    on_terminal "NO_COLOR=1 LC_ALL=C.UTF-8 $look"
    check "NO_COLOR: half blocks without colours" out_has '[▀▄█]'
    check "NO_COLOR: no escapes in the picture" out_lacks $'\033\\[[0-9;]*m'
    on_terminal "LC_ALL=C $look"
    check "ASCII where the terminal has no UTF-8" out_lacks '▀'
else
    skip "a bar on a terminal" "no script(1)"
fi

# --- the real thing -------------------------------------------------------------------------------
if [ -n "$real_data" ]; then
    run "$mnist" --data "$real_data" --epochs 1 --json "$work/real.json"
    check "one epoch of MNIST" status_is 0
    check "it is MNIST, all of it" out_has '^data: MNIST, 60,000 training and 10,000 test images'
    check "a line every 100 mini-batches" out_has '^\[1,   400\] loss: '
    check "above 90 %" files accuracy-above "$work/real.json" 90
else
    skip "one epoch of MNIST" "CLADE_DATA_DIR is not set"
fi
tap_end
