#!/usr/bin/env python3
"""Every kernel compiles as OpenCL C 1.2 without a warning for three unrelated devices, with every
option set of its `// variants:` line, in both kernel shapes: check_kernels.py CL_DIR CLANG"""
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

TARGETS = {
    "spir64-unknown-unknown": [],
    "amdgcn-amd-amdhsa": ["-nogpulib"],
    "nvptx64-nvidia-nvcl": [],
}
SHAPES = ["-DLANES=1 -DVW=16", "-DLANES=1 -DVW=8", "-DLANES=64 -DVW=4"]


def option_sets(text):
    """None where the first line does not name any."""
    match = re.match(r"// variants:(.*)\n", text)
    if not match:
        return None
    return [shlex.split(part) for part in match[1].split(" | ")]


def complete(options):
    """The shapes that this option set is compiled in."""
    if any(option.startswith(("-DLANES=", "-DVW=")) for option in options):
        return [options]
    return [shlex.split(shape) + options for shape in SHAPES]


def compile_one(clang, source, target, options):
    run = subprocess.run(
        [clang, "-x", "cl", "-cl-std=CL1.2", "-target", target, *TARGETS[target], "-Xclang",
         "-finclude-default-header", "-Wall", "-Wextra", "-Werror", "-S", "-emit-llvm", *options,
         "-o", os.devnull, "-"],
        input=source, stderr=subprocess.PIPE, text=True,
    )
    return f"[{' '.join(options)}] for {target}:\n{run.stderr}" if run.returncode else None


def main():
    folder, clang = Path(sys.argv[1]), sys.argv[2]
    prelude = (folder / "prelude.clh").read_text(encoding="ascii")
    jobs, complaints = [], []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in sorted(folder.glob("*.cl")):
            text = path.read_text(encoding="ascii")
            sets = option_sets(text)
            if sets is None:
                complaints.append(f"{path.name}: the first line is no `// variants:` line")
                continue
            source = f'{prelude}\n#line 1 "{path.name}"\n{text}'
            for options in (full for given in sets for full in complete(given)):
                jobs += [pool.submit(compile_one, clang, source, t, options) for t in TARGETS]
        complaints += filter(None, (job.result() for job in jobs))
    print(*complaints, f"{len(jobs)} compilations, {len(complaints)} complaints", sep="\n")
    sys.exit(1 if complaints or not jobs else 0)


main()
