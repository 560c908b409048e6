#!/usr/bin/env python3
"""SIGTERM during `tarn run`: commits are finished within the grace, and anything else is left for the
next run to repeat.  usage: pipeline_signals.py TARN"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import shop  # noqa: E402
from fault import case as check, finish  # noqa: E402

tarn = os.path.abspath(sys.argv[1])
TABLES = ("clean", "sums", "bad")


def make(folder):
    os.makedirs(f"{folder}/landing")
    with open(f"{folder}/pipeline.toml", "w", encoding="utf-8") as out:
        out.write(shop.pipeline())
    with open(f"{folder}/landing/1.csv", "w", encoding="utf-8") as out:
        out.write(shop.landing(1))
    return folder


def tables(folder):
    return [name for name in TABLES if os.path.isdir(f"{folder}/lake/{name}/_delta_log")]


def run(folder, *arguments, hold=None, number=signal.SIGTERM):
    """(exit code, seconds from the signal to the end, standard error); it is sent where it holds."""
    environment = dict(os.environ, HOME=folder)
    environment.update({"TARN_HOLD_AT": hold} if hold else {})
    process = subprocess.Popen([tarn, "run", *arguments, "pipeline.toml"], cwd=folder,
                               env=environment, stderr=subprocess.PIPE, text=True)
    time.sleep(1 if hold else 0)
    begun = time.monotonic()
    if hold:
        process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    return process.returncode, time.monotonic() - begun, said


with tempfile.TemporaryDirectory() as scratch:
    # (point, grace, exit code, tables that have the run, seconds to the end at most)
    for point, grace, number, code, have, most in (
            ("rows_moving", "10s", signal.SIGTERM, 143, [], 1.9),
            ("quarantine_done", "10s", signal.SIGTERM, 0, ["clean", "sums", "bad"], 3),
            ("sink_1_done", "10s", signal.SIGTERM, 0, ["clean", "sums", "bad"], 3),
            ("sink_1_done", None, signal.SIGTERM, 0, ["clean", "sums", "bad"], 3),
            ("sink_2_done", "1m", signal.SIGTERM, 0, ["clean", "sums", "bad"], 3),
            ("sink_1_done", "400ms", signal.SIGTERM, 143, ["clean", "bad"], 0.9),
            ("quarantine_commit", "0", signal.SIGTERM, 143, [], 0.5),
            ("discovered", "0.3", signal.SIGTERM, 143, [], 0.8)):
        name = f"{point}, grace {grace}"
        folder = make(f"{scratch}/{name.replace(', ', '-').replace(' ', '-')}")
        got, seconds, said = run(folder, *(["--grace", grace] if grace else []), hold=point,
                                 number=number)
        check(f"SIGTERM at {name}: exit code {code}", got == code, f"{got} {said}")
        check("... the tables that were committed", sorted(tables(folder)) == sorted(have),
              tables(folder))
        check(f"... after {seconds:.1f} s", seconds < most, seconds)
        got, _, said = run(folder)
        check("... and the next run ends it", got == 0 and sorted(tables(folder)) == sorted(TABLES)
              and (said.strip() == "nothing new") == (code == 0), f"{got} {said}")
    for wrong in ("soon", "-1s", "10x", "99999999s", ""):
        got = subprocess.run([tarn, "run", f"--grace={wrong}", "pipeline.toml"], cwd=scratch,
                             capture_output=True, text=True, timeout=60)
        check(f"--grace={wrong} is no time", got.returncode == 2 and "a time is wanted" in got.stderr,
              got.stderr)

finish()
