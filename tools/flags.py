#!/usr/bin/env python3
"""Fails when a source file is compiled without a flag that results depend on, or for an instruction
set that its name does not say.

usage: tools/flags.py COMPILE_COMMANDS_JSON"""
import json
import re
import sys

ALWAYS = ("-ffp-contract=off", "-Wconversion", "-Wvla")
DELIVERED = ("-fvisibility=hidden",)  # what is under src/


def faults(commands):
    for entry in commands:
        path, words = entry["file"], entry["command"].split()
        where = path.split("/src/")[-1]
        for flag in ALWAYS + (DELIVERED if "/src/" in path else ()):
            if flag not in words:
                yield f"{where}: compiled without {flag}"
        level = next((word for word in words if word.startswith("-march=")), None)
        name = re.search(r"_(v[234])\.c$", path)
        wanted = f"-march=x86-64-{name[1]}" if name else None
        if "x86-64" in (level or "x86-64") and level != wanted and (level or wanted):
            yield f"{where}: compiled with {level}, not {wanted}"
        if "-ffast-math" in words or "-Ofast" in words:
            yield f"{where}: compiled with rules of its own for floats"
        if {"-w", "-Wno-conversion"} & set(words) and not any(word.startswith("-fsanitize=") for word in words):
            yield f"{where}: compiled without -Wconversion"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        commands = json.load(file)
    found = list(faults(commands)) or ([] if commands else ["no file is compiled"])
    print("\n".join(found) if found else f"{len(commands)} files are compiled as they must be")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
