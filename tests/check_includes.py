#!/usr/bin/env python3
"""The layers of the source tree hold, and the library neither prints nor ends its process:
check_includes.py SOURCE_ROOT"""
import re
import sys
from pathlib import Path

# Which folders of src/ a folder may include besides itself and the public headers.
BELOW = {
    "base": [],
    "runtime": ["base"],
    "tensor": ["base", "runtime"],
    "plan": ["base", "runtime"],
    "tape": ["base", "runtime", "plan", "tensor"],
    "ops": ["base", "runtime", "tensor", "tape"],
    "nn": ["base", "tensor"],
    "optim": ["base", "tensor"],
    "data": ["base"],
    "io": ["base"],
}
DEVICE_HEADER = re.compile(r"(CL|OpenCL|clblast)[/_.]|clblast")
FORBIDDEN = re.compile(
    r"(?<![\w.>])(abort|_?exit|_Exit|quick_exit|v?f?printf|f?puts|f?putc|putchar|perror|assert)\s*\("
)


def code_only(text):
    """Comments and the insides of strings blanked, lines kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def check_include(path, layer, name, system):
    if DEVICE_HEADER.match(name):
        return None if layer == "runtime" else "only src/runtime includes OpenCL and CLBlast"
    if system:
        return None
    folder, _, rest = name.partition("/")
    if not rest:
        return "write the path from src/: \"layer/name.h\""
    if folder == "clade":
        return "public headers are included with <>"
    if folder not in BELOW:
        return f"no layer is called {folder}"
    if folder == "ops" and layer == "ops":
        own = Path(rest).stem  # pointwise.h is for pointwise.c and pointwise_formula.c
        return None if (path.stem + "_").startswith(own + "_") else "ops include no other op"
    if folder != layer and folder not in BELOW[layer]:
        return f"{layer} may not see {folder}"
    return None


def check_file(root, path, layer):
    text = path.read_text(encoding="utf-8")
    where = path.relative_to(root)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        complaint = match and check_include(path, layer, match[2], match[1] == "<")
        if complaint:
            yield f"{where}:{number}: {match[2]}: {complaint}"
    for number, line in enumerate(code_only(text).splitlines(), 1):
        for match in FORBIDDEN.finditer(line):
            yield f"{where}:{number}: {match[1]}: the library never prints, aborts or exits"


def check_tool(root, path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if match and match[1].split("/")[0] in BELOW:
            yield f"{path.relative_to(root)}:{number}: {match[1]}: tools see public headers only"


def main():
    root = Path(sys.argv[1])
    complaints, files = [], 0
    for path in sorted((root / "src").rglob("*.[ch]")):
        layer = path.relative_to(root / "src").parts[0]
        files += 1
        if layer not in BELOW:
            complaints.append(f"{path.relative_to(root)}: no rule for the folder {layer}")
        else:
            complaints += check_file(root, path, layer)
    for path in sorted((root / "tools").rglob("*.[ch]")):
        files += 1
        complaints += check_tool(root, path)
    print(f"{files} files, {len(complaints)} complaints", *complaints, sep="\n")
    sys.exit(1 if complaints or not files else 0)


main()
