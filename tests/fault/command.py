#!/usr/bin/env python3
"""What the command promises of its figures and of being stopped (exit codes, time, nothing left).

usage: tests/fault/command.py TARN"""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

TARN = os.path.abspath(sys.argv[1])
SANITIZED = "asan" in TARN or "tsan" in TARN


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def run(*arguments, folder, expected=0):
    """(stdout, figures, ru_maxrss in bytes, wall seconds), from a process that was never large itself."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.posix_spawn(TARN, [TARN, *arguments], os.environ, file_actions=[
            (os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, err.fileno(), 2)])
        _, status, usage = os.wait4(pid, 0)
        wall = time.monotonic() - begun
        out.seek(0)
        err.seek(0)
        text = err.read().decode()
        check(os.waitstatus_to_exitcode(status) == expected, f"{arguments}: {status} {text}")
        return out.read(), json.loads(text.strip().split("\n")[-1]), usage.ru_maxrss * 1024, wall


def figures_are_true(folder):
    sql = "SELECT count(*) FROM (SELECT DISTINCT range % 4000000 AS n, 'some text of ' || range AS t FROM range(2000000))"
    _, figures, peak, wall = run("--stats", "-c", sql, folder=folder)
    check(abs(figures["peak_rss_bytes"] - peak) <= 0.02 * peak,
          f"peak_rss_bytes is {figures['peak_rss_bytes']}, the parent saw {peak}")
    if figures["peak_bytes"] > 64 << 20:
        check(abs(figures["peak_bytes"] - peak) <= 0.1 * peak, f"peak_bytes is {figures['peak_bytes']} of {peak}")
    if wall > 1:
        check(abs(figures["seconds"] - wall) <= 0.05 * wall, f"seconds is {figures['seconds']}, wall {wall}")
    check(figures["rows_in"] == 2000000 and figures["rows_out"] == 1, str(figures))


def interrupted(folder, name, sql, options=()):
    slow = []
    for _ in range(20):
        process = subprocess.Popen([TARN, *options, "-c", sql], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, cwd=folder)
        time.sleep(random.uniform(0.02, 1.0))
        if process.poll() is not None:
            check(process.returncode == 0, f"{name}: {process.stderr.read()}")
            continue
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=20)
        slow.append(time.monotonic() - begun)
        check(code in (130, 0), f"{name}: ended with {code}: {process.stderr.read()}")
    slow.sort()
    print(f"{name}: {len(slow)} interrupted, slowest {[round(1000 * s) for s in slow[-3:]]} ms")
    # Wall time means what it says only where the processor is ours: others' work stretches it.
    crowd = max(1.0, os.getloadavg()[0] / os.cpu_count())
    limit = (1.0 if SANITIZED else 0.5) * crowd
    soon = limit if SANITIZED else 0.1 * crowd
    check(len(slow) >= 5, f"{name}: ended before it could be interrupted")
    check(slow[-1] <= limit, f"{name}: took {slow[-1]:.3f} s, limit {limit:.2f}")
    check(sum(s > soon for s in slow) <= 1, f"{name}: above {soon:.2f} s more than once: {slow}")


def interrupts_scan(folder):
    interrupted(folder, "scan", "SELECT sum(range * 3 % 7) FROM range(100000000000)")


def interrupts_join(folder):
    interrupted(folder, "join", "SELECT count(*) FROM range(3000000) a JOIN range(3000000) b ON a.range % 1000 = b.range % 1000")


def interrupts_sort(folder):
    interrupted(folder, "sort", "SELECT max(n) FROM (SELECT hash(range) AS n FROM range(30000000) ORDER BY 1 LIMIT 20000000)")


def interrupts_spill(folder):
    temp = pathlib.Path(folder) / "temp"
    temp.mkdir()
    interrupted(folder, "spill", "SELECT count(*) FROM (SELECT DISTINCT 'text ' || range AS t FROM range(20000000))",
                ("--memory", "64MB", "--temp-dir", str(temp)))
    check(not list(temp.iterdir()), f"left behind: {list(temp.iterdir())}")


def interrupted_writes_leave_nothing(folder):
    for target, options in (("out.parquet", ""), ("table", " (FORMAT delta)")):
        process = subprocess.Popen([TARN, "-c", f"COPY (SELECT range AS n FROM range(10000000000)) TO '{target}'{options}"],
                                   cwd=folder, stderr=subprocess.PIPE)
        time.sleep(0.7)
        process.send_signal(signal.SIGTERM)
        check(process.wait(timeout=20) == 143, f"{target}: {process.returncode} {process.stderr.read()}")
    left = [str(path) for path in pathlib.Path(folder).rglob("*") if path.is_file()]
    check(not left, f"left behind: {left}")


CASES = [figures_are_true, interrupts_scan, interrupts_join, interrupts_sort, interrupts_spill,
         interrupted_writes_leave_nothing]


def main():
    failed = 0
    for case in CASES:
        if sys.argv[2:] and case.__name__ not in sys.argv[2:]:
            continue
        with tempfile.TemporaryDirectory(prefix="tarn-command-") as folder:
            try:
                case(folder)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAIL {case.__name__}: {error}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
