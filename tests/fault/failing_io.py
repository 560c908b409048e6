#!/usr/bin/env python3
"""Failed I/O through the front door: the n-th open, read, write, fsync, writeback (begun, or waited for) and link (or
rename) of a command fails, for every n; the command then fails with 75 and leaves what was there, or does its work whole.
usage: failing_io.py TARN [CASE...]"""
import errno
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import case as check, finish  # noqa: E402

tarn = os.path.abspath(sys.argv[1])
here = os.path.dirname(os.path.abspath(__file__))
unknown = 0
KINDS = {"open": (errno.EIO, errno.ENOSPC), "read": (errno.EIO,), "write": (errno.EIO, errno.ENOSPC),
         "sync": (errno.EIO,), "start": (errno.EIO,), "writeback": (errno.EIO,),
         "link": (errno.EIO, errno.ENOSPC)}


def command(folder, words, **environment):
    return subprocess.run([tarn, *words], cwd=folder, capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, HOME="/nonexistent", TMPDIR=f"{folder}/temp", **environment))


def query(folder, sql):
    return command(folder, ["query", sql]).stdout.split("\n", 1)[-1].strip()


# name, words, how the world looks before and after (a query's answer; None: no file), with rounds to try at most
CASES = [
    ("CSV is read", ["query", "SELECT count(*), sum(a) FROM 'a.csv'"], None),
    ("JSON is read", ["query", "SELECT count(*), sum(a) FROM 'a.jsonl'"], None),
    ("Parquet is read", ["query", "SELECT count(*), sum(a), max(b) FROM 'a.parquet'"], None),
    ("Delta is read", ["query", "SELECT count(*), sum(a) FROM 't'"], None),
    ("groups spill", ["query", "--memory", "6MB", "--threads", "1",
                      "SELECT count(*), sum(c) FROM (SELECT 'group ' || (range % 150000) AS k, count(*) c "
                      "FROM range(300000) GROUP BY k)"], None),
    ("COPY to CSV", ["query", "COPY (SELECT range AS a FROM range(300000)) TO 'out.csv'"],
     "SELECT count(*) FROM 'out.csv'"),
    ("COPY over Parquet", ["query", "COPY (SELECT range AS a FROM range(300000)) TO 'over.parquet'"],
     "SELECT count(*) FROM 'over.parquet'"),
    ("Delta append", ["query", "COPY (SELECT * FROM 'a.csv') TO 't' (FORMAT delta, MODE append)"],
     "SELECT count(*) FROM 't'"),
    ("Delta create", ["table", "create", "new", "--schema", "a BIGINT"], "SELECT count(*) FROM 'new'"),
    ("cp", ["cp", "a.csv", "copy.csv"], "SELECT count(*) FROM 'copy.csv'"),
    ("a pipeline", ["run", "-q", "shop/pipeline.toml"],
     "SELECT count(*) FROM 'shop/lake/by_day'"),
]


def make(folder):
    os.makedirs(f"{folder}/temp")
    command(folder, ["query", "COPY (SELECT range AS a, range::VARCHAR AS b FROM range(1000)) TO 'a.csv';"
                     "COPY (SELECT range AS a, range::VARCHAR AS b FROM range(1000)) TO 'a.jsonl';"
                     "COPY (SELECT range AS a, range::VARCHAR AS b FROM range(1000)) TO 'a.parquet';"
                     "COPY (SELECT range AS a FROM range(7)) TO 'over.parquet';"
                     "COPY (SELECT range AS a, range::BIGINT AS b FROM range(1000)) TO 't' (FORMAT delta)"])
    command(folder, ["init", "shop"])


def world(folder, sql):
    return None if sql is None else query(folder, sql)


def left_over(folder):
    return [f"{path}/{n}" for path, _, names in os.walk(folder) for n in names
            if n.startswith(".tarn-") or path.endswith("/temp")]


def attempt(library, template, scratch, words, sql, kind, number, code, want):
    """What went wrong, or ""; and whether the operation was reached."""
    global unknown
    folder = f"{scratch}/try"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    report = f"{scratch}/count"
    got = command(folder, words, LD_PRELOAD=library, FAIL_KIND=kind, FAIL_AT=str(number),
                  FAIL_ERRNO=str(code), FAIL_REPORT=report)
    with open(report, encoding="utf-8") as counted:
        reached = int(counted.read()) >= number
    before, after, answer = want
    now = world(folder, sql)
    place = f"{kind} {number}, {errno.errorcode[code]}: exit {got.returncode}, {got.stderr.strip()[:300]}"
    if got.returncode == 0:
        if kind == "writeback" and number == 1 and reached:
            return f"{place}: a disk that did not take what was spilled is no failure", reached
        if now != after or got.stdout != answer:
            return f"{place}: it says that all went well, but {now} is not {after}", reached
    elif got.returncode != 75:
        return f"{place}: not 75", reached
    elif now not in (before, after) or (now == after != before and "unknown" not in got.stderr
                                         and "pipeline" not in " ".join(words)):
        return f"{place}: {now}, which was {before} and should be {after}", reached
    unknown += got.returncode == 75 and "unknown" in got.stderr and now == after != before
    if left_over(folder):
        return f"{place}: left {left_over(folder)}", reached
    again = command(folder, words)
    if words[0] == "run" and (again.returncode != 0 or world(folder, sql) != after):
        return f"{place}: the next run does not mend it: {again.stderr}", reached
    return "", reached


with tempfile.TemporaryDirectory() as scratch:
    library = f"{scratch}/failing_io.so"
    try:
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", library,
                        f"{here}/failing_io.c"], check=True)
    except (OSError, subprocess.CalledProcessError) as why:
        print(f"SKIPPED: no C compiler: {why}")
        sys.exit(77)
    template = f"{scratch}/template"
    make(template)
    for name, words, sql in [c for c in CASES if len(sys.argv) < 3 or c[0] in sys.argv[2:]]:
        folder = f"{scratch}/good"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        before = world(folder, sql)
        good = command(folder, words)
        if good.returncode != 0:
            check(name, False, good.stderr)
            continue
        want = (before, world(folder, sql), good.stdout)
        for kind, codes in KINDS.items():
            for code in codes:
                number, wrong, reached = 1, [], True
                while reached and number < 300 and len(wrong) < 3:
                    why, reached = attempt(library, template, scratch, words, sql, kind, number, code, want)
                    wrong += [why] if why else []
                    number += 1 if number < 20 else 61
                check(f"{name}: each of {number - 2} times {kind} fails with {errno.errorcode[code]}",
                      not wrong, "\n     ".join(wrong))

if len(sys.argv) < 3 or "Delta append" in sys.argv[2:]:
    check("a commit of which nobody knows whether it lasts is one of the cases", unknown > 0)
finish()
