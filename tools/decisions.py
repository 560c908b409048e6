#!/usr/bin/env python3
"""Fails when a page of docs/decisions/ names a test, a file or a function that is not there, names no
test at all, or lacks one of its parts.

usage: tools/decisions.py ROOT"""
import pathlib
import re
import sys

PARTS = ("What must hold.", "How it is kept.", "Which test proves it.")
TICKED = re.compile(r"`([^`]+)`")


def test_names(root):
    """What a page may name as a test: ctest's names, the cases of the units and of the programs."""
    names = {f"unit/{path.stem.removeprefix('test_')}" for path in (root / "tests/unit").glob("test_*.c")}
    names |= {f"fault/{path.stem}" for path in (root / "tests/fault").glob("*.py")}
    cmake = (root / "tests/CMakeLists.txt").read_text(encoding="utf-8")
    names |= set(re.findall(r"(?:add_test\(NAME|python_test\()\s*([\w/]+)", cmake))
    levels = re.findall(r"foreach\(level ([\w ]+)\)\s*foreach\(name ([\w ]+)\)", cmake)
    names |= {f"unit/{name}/{level}" for of, among in levels for level in of.split() for name in among.split()}
    names |= {"sql/threads_1", "sql/threads_7"}
    for path in (root / "tests").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            names |= set(re.findall(r"^TEST\((\w+)\)" if path.suffix == ".c" else r"^def (\w+)\(", text, re.M))
    return names


def faults(root):
    tests = test_names(root)
    code = "\n".join(path.read_text(encoding="utf-8") for folder in ("src", "include", "tests/support")
                     for path in (root / folder).rglob("*.[ch]"))
    words = set(re.findall(r"\w+", code))
    index = (root / "docs/decisions/README.md").read_text(encoding="utf-8")
    for page in sorted((root / "docs/decisions").glob("[0-9]*.md")):
        text = page.read_text(encoding="utf-8")
        if f"]({page.name})" not in index:
            yield f"{page.name}: not in the index"
        for part in PARTS:
            if f"**{part}**" not in text:
                yield f"{page.name}: has no part '{part}'"
        proof = text.partition(f"**{PARTS[2]}**")[2].partition("\n**")[0]
        if not any(name in tests for name in TICKED.findall(proof)):
            yield f"{page.name}: names no test"
        for name in TICKED.findall(proof):
            if re.fullmatch(r"(unit|fault|sql|interop)/[\w/]+|\w+_\w+_\w+", name) and name not in tests:
                yield f"{page.name}: there is no test '{name}'"
        for name in TICKED.findall(text):
            if name in tests:
                continue
            if re.fullmatch(r"(src|tests|docs|tools|scripts|include|bench)/[\w./*-]*", name):
                if not any(root.glob(name.rstrip("/"))):
                    yield f"{page.name}: there is no '{name}'"
            elif match := re.fullmatch(r"((?:tn|tarn)_\w+|\w+(?=\(\)))(\(\))?", name):
                if match[1] not in words:
                    yield f"{page.name}: nothing in the source is called '{name}'"


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 2
    found = list(faults(pathlib.Path(sys.argv[1])))
    print("\n".join(found) if found else "every page names tests that are there")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
