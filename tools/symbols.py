#!/usr/bin/env python3
"""Compares what libtarn.so exports, and what it keeps in memory that can change, with golden files.

usage: tools/symbols.py BUILD_DIR [--update]
tests/golden/exported.txt      each exported function: the library's promise
tests/golden/mutable.txt       each variable that is not constant: process-wide once, or a fault;
                               after two blanks and a # stands why it may be"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def exported(build):
    lines = run("nm", "-D", "--defined-only", build / "libtarn.so").splitlines()
    return sorted({line.split()[-1].split("@")[0] for line in lines if line.split()[1] != "A"})


def mutable(build):
    """Variables in .data and .bss; what is relocated once and then read-only is .data.rel.ro."""
    names = set()
    member = "?"
    for line in run("objdump", "-t", build / "libtarn.a").splitlines():
        if match := re.match(r"(\S+)\.c\.o:", line):
            member = match[1]
        match = re.match(r"[0-9a-f]+ .{7} \.(?:data|bss|tdata|tbss)(?!\.rel\.ro)\S*\t[0-9a-f]+ +(?:\.hidden )?(\S+)$", line)
        if match and not match[1].startswith((".", "__odr_asan", "__gcov")):
            names.add(f"{member}: {re.sub(r'[.][0-9]+$', '', match[1])}")
    return sorted(names)


def main():
    build = pathlib.Path(sys.argv[1])
    good = True
    for name, got in (("exported", exported(build)), ("mutable", mutable(build))):
        golden = ROOT / "tests/golden" / f"{name}.txt"
        promised = dict(line.partition("  #")[::2] for line in golden.read_text().splitlines())
        if "--update" in sys.argv:
            promised = {line: promised.get(line, "") for line in got}
            golden.write_text("".join(f"{line}  #{why}\n" if why else f"{line}\n"
                                      for line, why in promised.items()))
        want = sorted(promised)
        for line in sorted(set(got) - set(want)):
            print(f"{name}: new: {line}")
        for line in sorted(set(want) - set(got)):
            print(f"{name}: gone: {line}")
        good = good and got == want
    print("as promised" if good else "tools/symbols.py BUILD_DIR --update takes it as the new promise")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
