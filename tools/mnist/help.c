#include "help.h"

#include <stdio.h>

#include <clade/clade.h>

static const char usage[] =
    "NAME\n"
    "    clade-mnist - train and use classifiers of MNIST-format pictures on any OpenCL device\n"
    "\n"
    "SYNOPSIS\n"
    "    clade-mnist [train] [OPTION]...\n"
    "    clade-mnist eval --load FILE [OPTION]...\n"
    "    clade-mnist predict --load FILE PICTURE [OPTION]...\n"
    "\n"
    "COMMANDS\n"
    "    train    Trains a network of fully connected layers and tests it after each epoch. "
    "Without\n"
    "             options this is: 784-128-10 with ReLU, PyTorch's nn.Linear initialisation, "
    "inputs\n"
    "             (x/255-0.5)/0.5, mean cross-entropy, SGD with lr 0.01 and momentum 0.9, batches "
    "of\n"
    "             128 in a new order each epoch, 5 epochs. With --model cnn: two convolutions of "
    "3x3\n"
    "             with 32 and 64 channels, each with ReLU and 2x2 max pooling, then 3136-128-10, "
    "and\n"
    "             Adam.\n"
    "    eval     Tests weights on the test images.\n"
    "    predict  Prints the class and the probabilities of one picture, and draws it. PICTURE is "
    "a\n"
    "             PNG of any size (it is fitted into 28x28; dark on light is inverted) or an IDX\n"
    "             file, plain or gzip'd.\n"
    "\n";

static const char option_list[] =
    "OPTIONS (in brackets the default)\n"
    "    --data DIR          folder with the four IDX files, plain or .gz [$CLADE_DATA_DIR, else\n"
    "                        $XDG_DATA_HOME/clade/mnist, else Debian's dataset-fashion-mnist]\n"
    "    --device D          gpu, cpu, accelerator, N, P:N, or part of a device's or platform's "
    "name\n"
    "                        [$CLADE_DEVICE, else the best device]\n"
    "    --list-devices      list the devices and which one would be used\n"
    "    --load FILE         start from these weights (safetensors); they bring the hidden layers\n"
    "    --json FILE         write the result as one JSON object (train, eval)\n"
    "    --eager             call each operation anew instead of replaying recorded steps: "
    "slower,\n"
    "                        the same result (train, eval)\n"
    "    --dtype T           f32; or bf16 or f16: convolutions and products in 16 bits, the rest "
    "and\n"
    "                        the weights in f32; with f16 the loss is scaled (train, eval) [f32]\n"
    "    --quiet             print the result only\n"
    "    -h, --help, --version\n"
    "  train:\n"
    "    --epochs N          passes over the training images [5]\n"
    "    --batch N           images per step; the short last batch is kept [128]\n"
    "    --model M           mlp, or cnn, which starts with two convolutions [mlp, or what --load "
    "brings]\n"
    "    --optimizer O       sgd, adam or adamw, as PyTorch's SGD, Adam and AdamW [sgd; of cnn "
    "adam]\n"
    "    --lr X              learning rate [0.01; of adam and adamw 0.001]\n"
    "    --momentum X        of sgd [0.9]\n"
    "    --weight-decay X    [0]\n"
    "    --schedule S        of the learning rate: none; step, times 0.7 after each epoch; cosine, "
    "down\n"
    "                        to 0; one-cycle, up to --lr and down, as PyTorch's OneCycleLR; "
    "plateau,\n"
    "                        halved once the training loss did not fall for 3 epochs [none]\n"
    "    --ema X             test and save a moving average of the weights, the old one's share of "
    "it\n"
    "                        being X, such as 0.999 [0: none]\n"
    "    --label-smoothing X  share of the target that is spread over all classes [0]\n"
    "    --augment           turn and move each picture at random, anew each time: up to 12 "
    "degrees "
    "and\n"
    "                        two pixels, on the device\n"
    "    --hidden N,N,...    sizes of the hidden layers [128]\n"
    "    --seed N            of the initial weights and the order of the images, which are those "
    "of\n"
    "                        PyTorch on the CPU after torch.manual_seed(N): the nn.Linear layers\n"
    "                        created in order, then a torch.randperm for each epoch. With --load "
    "only\n"
    "                        the order is drawn [0]\n"
    "    --log-every N       mini-batches between two lines, 0 for none [100]\n"
    "    --save FILE         write the weights (safetensors: fc1.weight, fc1.bias, fc2.weight, "
    "...,\n"
    "                        of a cnn conv1.weight ... before them) and which model they are of\n"
    "    --checkpoint FILE   keep all of the run there after each epoch; where there is such a "
    "file,\n"
    "                        go on from it, to the same weights as without a break\n"
    "  predict:\n"
    "    --index N           which image of an IDX file, from 0 [0]\n"
    "\n";

static const char output[] =
    "OUTPUT\n"
    "    [epoch, step] loss: L   is the mean loss of the last --log-every mini-batches of the "
    "epoch.\n"
    "    Time per step is the median over all steps of the wall time of the stretch of at most "
    "100\n"
    "    steps to which a step belongs: the host waits for the device only between stretches, "
    "when\n"
    "    it reads the loss. Images per second and an epoch's seconds count training, not testing.\n"
    "    On a terminal a bar on stderr shows progress; NO_COLOR takes its colours away.\n"
    "    Ctrl-C ends after the current step, saves if --save was given, and exits with 130.\n"
    "    The same seed, data, options and device give the same weights, bit by bit.\n"
    "\n"
    "EXIT STATUS\n"
    "    0 success, 1 failure (one line on stderr), 2 wrong usage, 130 after Ctrl-C.\n";

void help_print(void)
{
    fputs(usage, stdout);
    fputs(option_list, stdout);
    fputs(output, stdout);
}

void version_print(void)
{
    printf("clade-mnist %s\n", clade_version());
}
