#!/usr/bin/env python3
"""Runs ctest and counts cases, not programs: a test that closes with "N passed, N failed" counts as
so many, any other as one, and a case that says "SKIPPED: why" as skipped.  Shows the output of what
failed, why something was skipped, and what a test says behind "NOTE:".

usage: tools/run_ctest.py BUILD_DIR [CTEST_OPTION...]
The whole log is left in BUILD_DIR/ctest.log.  Closes with "N passed, N failed[, N skipped]"."""
import collections
import pathlib
import re
import subprocess
import sys

CLOSING = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")
RESULT = re.compile(r"\s*\d+/\d+ Test +#(\d+): (\S+) \.* *(.*?) +([\d.]+) sec")
OUTPUT = re.compile(r"(\d+): ?(.*)")


class Test:
    def __init__(self):
        self.lines = []
        self.closing = None
        self.skips, self.notes = [], []


def count(test, verdict):
    """(passed, failed, skipped) of one test of ctest's."""
    if "Skipped" in verdict or "Not Run" in verdict and test.skips:
        return 0, 0, 1
    succeeded = "Passed" in verdict
    if test.closing is None:
        return (0, 0, 1) if succeeded and test.skips else (int(succeeded), int(not succeeded), 0)
    passed, failed, skipped = test.closing
    if skipped == 0:  # a unit test counts as passed where it says that it did nothing
        skipped = min(len(test.skips), passed)
        passed -= skipped
    if not succeeded and failed == 0:
        failed = 1  # it died after its last word
    return passed, failed, skipped


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) > 1 else 2
    build = pathlib.Path(sys.argv[1])
    command = ["ctest", "--test-dir", str(build), "-V", "--no-tests=error", *sys.argv[2:]]
    tests = collections.defaultdict(Test)
    totals = [0, 0, 0]
    skips = []
    with open(build / "ctest.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, text=True, errors="replace")
        for line in process.stdout:
            log.write(line)
            if match := RESULT.match(line):
                number, name, verdict, seconds = match.groups()
                test = tests.pop(number, None) or Test()
                counts = count(test, verdict)
                totals = [a + b for a, b in zip(totals, counts)]
                skips += [f"{name}: {why}" for why in test.skips]
                for note in test.notes:
                    print(f"{name}: {note}", flush=True)
                if counts[1]:
                    print("\n".join(test.lines[-200:]))
                    print(f"FAIL {name}: {verdict} after {seconds} s", flush=True)
                elif float(seconds) >= 10:
                    print(f"ok   {name}: {seconds} s", flush=True)
            elif match := OUTPUT.match(line):
                number, text = match.groups()
                test = tests[number]
                test.lines.append(text)
                if text.startswith("Test timeout computed"):
                    test.lines.clear()  # what ctest says about itself
                if closing := CLOSING.match(text):
                    test.closing = tuple(int(n or 0) for n in closing.groups())
                if text.startswith("NOTE:"):
                    test.notes.append(text)
                if "SKIPPED" in text:
                    test.skips.append(text[text.index("SKIPPED"):].strip())
        code = process.wait()
    for why, times in collections.Counter(skips).items():
        print(why if times == 1 else f"{why} (x{times})")
    if code != 0 and totals[1] == 0:
        print(f"ctest ended with {code}; see {build}/ctest.log")
        totals[1] = 1
    print(f"{totals[0]} passed, {totals[1]} failed" + (f", {totals[2]} skipped" if totals[2] else ""))
    return int(totals[1] > 0 or totals[0] == 0)


if __name__ == "__main__":
    sys.exit(main())
