#!/usr/bin/env python3
"""Kills `tarn run` at every named point, and compares the tables after a second run with those of a
run that nothing disturbed.  usage: pipeline.py TARN"""
import csv
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import shop  # noqa: E402
from fault import case as check, finish  # noqa: E402

tarn = os.path.abspath(sys.argv[1])

PIPELINE = shop.pipeline()
TABLES = ("clean", "sums", "bad")


def write_file(folder, number, broken=True):
    with open(f"{folder}/landing/{number}.csv", "w", encoding="utf-8") as out:
        out.write(shop.landing(number, broken))


def make(folder):
    os.makedirs(f"{folder}/landing")
    with open(f"{folder}/pipeline.toml", "w", encoding="utf-8") as out:
        out.write(PIPELINE)
    write_file(folder, 1)
    return folder


def run(folder, stop=None, arguments=()):
    environment = dict(os.environ, HOME=folder)
    environment.pop("TARN_STOP_AT", None)
    if stop:
        environment["TARN_STOP_AT"] = stop
    return subprocess.run([tarn, "run", *arguments, "pipeline.toml"], cwd=folder, env=environment,
                          capture_output=True, text=True, timeout=120)


def rows(folder, table):
    got = subprocess.run([tarn, "query", f"SELECT * FROM 'lake/{table}'"], cwd=folder,
                         capture_output=True, text=True, timeout=120)
    if got.returncode != 0:
        return [got.stderr.split("\n")[0]]
    found = list(csv.DictReader(io.StringIO(got.stdout)))
    for row in found:
        row.pop("run", None)
    return sorted(tuple(sorted(row.items())) for row in found)


def tables(folder):
    return {table: rows(folder, table) for table in TABLES}


def points():
    folder = make(tempfile.mkdtemp())
    got = run(folder, "list")
    shutil.rmtree(folder)
    return got.stderr.split("hint:")[1].split()


def killed(result):
    return result.returncode == -signal.SIGKILL


with tempfile.TemporaryDirectory() as scratch:
    whole = make(f"{scratch}/undisturbed")
    run(whole)
    first = tables(whole)
    write_file(whole, 2)
    run(whole)
    second = tables(whole)
    check("the undisturbed run fills its tables",
          [len(first[t]) for t in TABLES] == [198, 2, 2], str({t: len(first[t]) for t in TABLES}))

    names = points()
    print("points:", *names)
    check("there are at least 12 points", len(names) >= 12, str(names))
    normal = [n for n in names if not n.startswith("void_")]
    for point in normal:
        # Killed in the first run, when no table exists, then in the second.
        folder = make(f"{scratch}/first-{point}")
        died = killed(run(folder, point))
        again = run(folder)
        check(f"killed at {point}: the next run makes the tables whole",
              died and again.returncode == 0 and tables(folder) == first,
              f"died {died}, then {again.returncode}: {again.stderr}")
        write_file(folder, 2)
        died = killed(run(folder, point))
        again = run(folder)
        third = run(folder)
        check(f"killed at {point} of a later run, and a third run adds nothing",
              died and again.returncode == 0 and tables(folder) == second and
              third.stderr.strip() == "nothing new",
              f"died {died}, then {again.returncode}: {again.stderr} {third.stderr}")

    # An input that is gone or another one when the run is repeated.
    for point in normal:
        for what in ("deleted", "replaced"):
            folder = make(f"{scratch}/{what}-{point}")
            run(folder)
            write_file(folder, 2)
            died = killed(run(folder, point))
            have = [t for t in TABLES if any("2007" in str(r) or "2000" in str(r) or "2009" in str(r)
                                             for r in rows(folder, t))]
            sums = len(rows(folder, "sums")) == 4
            landed = len(have) + sums
            if what == "deleted":
                os.remove(f"{folder}/landing/2.csv")
            else:
                os.remove(f"{folder}/landing/2.csv")
                write_file(folder, 2, broken=False)
            again = run(folder)
            got = tables(folder)
            if 0 < landed < 3:
                reset = subprocess.run([tarn, "reset", "--run", "2", "--yes", "pipeline.toml"],
                                       cwd=folder, capture_output=True, text=True, timeout=120)
                good = (again.returncode == 1 and "landing/2.csv" in again.stderr and
                        "--run 2" in again.stderr and reset.returncode == 0 and
                        run(folder).returncode == 0)
            elif landed == 3:  # everything was committed before
                good = again.returncode == 0 and len(got["clean"]) == len(second["clean"]) + (
                    199 if what == "replaced" else 0)
            else:
                wanted = first if what == "deleted" else None
                good = again.returncode == 0 and (
                    got == wanted if wanted else
                    len(got["clean"]) == len(first["clean"]) + 199 and len(got["sums"]) == 4)
            check(f"killed at {point}, input {what}", died and good,
                  f"died {died}, landed {have}+{sums}, {again.returncode}: {again.stderr} "
                  f"{[len(got[t]) for t in TABLES]}")

    # A run that is repeated and the one that takes what is new say both how they went.
    folder = make(f"{scratch}/both")
    died = killed(run(folder, "ledger_written"))
    write_file(folder, 2)
    again = run(folder, arguments=["--stats"])
    stats = json.loads(again.stderr.strip().rsplit("\n", 1)[-1])
    check("a replay and a new run are told of both", died and again.returncode == 0 and
          "run 1 is done (repeated from its pins)" in again.stderr and
          "run 2 is done:" in again.stderr and again.stderr.count("  source  raw") == 2, again.stderr)
    check("--stats counts the rows committed", stats["rows_out"] == 2 * (198 + 2), str(stats))

    # ... and killed once more while such a run is being closed.
    for point in [n for n in names if n.startswith("void_")]:
        folder = make(f"{scratch}/{point}")
        run(folder, "ledger_written")
        os.remove(f"{folder}/landing/1.csv")
        write_file(folder, 3)
        died = killed(run(folder, point))
        again = run(folder)
        got = tables(folder)
        check(f"killed at {point}", died and again.returncode == 0 and len(got["clean"]) == 198
              and all("3000" not in str(r) or True for r in got["clean"]),
              f"died {died}, {again.returncode}: {again.stderr} {[len(got[t]) for t in TABLES]}")

    # Parameters are pins: a replay takes those with which the run began.
    folder = make(f"{scratch}/parameters")
    with open(f"{folder}/pipeline.toml", "w", encoding="utf-8") as out:
        out.write(PIPELINE.replace('name = "shop"', 'name = "shop"\nparams = { most = 100 }').replace(
            "FROM raw", "FROM raw WHERE id < $most"))
    write_file(folder, 0, broken=False)
    os.remove(f"{folder}/landing/1.csv")
    died = killed(run(folder, "staged", ["-p", "most=20"]))
    again = run(folder)
    check("a replay keeps the parameters of its run", died and again.returncode == 0
          and len(rows(folder, "clean")) == 19 and "keeps most = 20" in again.stderr,
          f"{again.stderr} {len(rows(folder, 'clean'))}")
    write_file(folder, 1)
    run(folder)
    check("... and the next run takes today's", len(rows(folder, "clean")) == 19)

    # A pipeline that got another name while a run was unfinished ends it under the old one.
    folder = make(f"{scratch}/renamed")
    for name in ("shop", "store"):
        with open(f"{folder}/pipeline.toml", "w", encoding="utf-8") as out:
            out.write(PIPELINE.replace('name = "shop"', f'name = "{name}"\nstate = "state"'))
        again = run(folder, "sink_1_done" if name == "shop" else None)
    check("a run goes on under the name with which it began", again.returncode == 0 and
          {t: [tuple(i for i in row if i[0] != "pipeline") for row in r]
           for t, r in tables(folder).items()} ==
          {t: [tuple(i for i in row if i[0] != "pipeline") for row in r] for t, r in first.items()},
          again.stderr)

    # Two runners at once, and one that does not wait.
    for start in range(5):
        folder = make(f"{scratch}/two-{start}")
        if start % 2 == 1:
            run(folder, "staged")
        results = []
        runners = [threading.Thread(target=lambda: results.append(run(folder))) for _ in range(3)]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
        check(f"three runners at once, round {start}",
              all(r.returncode == 0 for r in results) and tables(folder) == first,
              " ".join(r.stderr for r in results))
    import fcntl
    folder = make(f"{scratch}/lock")
    run(folder)
    with open(f"{folder}/lake/_tarn/shop/lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        got = run(folder, arguments=["--no-wait"])
        check("--no-wait leaves with 75", got.returncode == 75, f"{got.returncode} {got.stderr}")

finish()
