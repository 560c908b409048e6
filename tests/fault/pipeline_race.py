#!/usr/bin/env python3
"""Pipelines with a ledger each that write into one table at the very same moment: whoever says that
it is done has its rows there, once; whoever could not says so.  usage: pipeline_race.py TARN"""
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import case as check, finish  # noqa: E402

tarn = os.path.abspath(sys.argv[1])
ROUNDS, ROWS = 8, 4000


def make(folder, runner, name, mode="append", quarantine=False):
    """A pipeline of its own files, with its own ledger, into the table that all share."""
    os.makedirs(f"{folder}/in-{runner}")
    with open(f"{folder}/in-{runner}/1.csv", "w", encoding="utf-8") as out:
        out.write("r,i\n" + "".join(f"{runner},{i}\n" for i in range(ROWS)))
    with open(f"{folder}/{runner}.toml", "w", encoding="utf-8") as out:
        out.write(f"""
[pipeline]
name = "{name}"
state = "ledger-{runner}"
[[source]]
id = "raw"
uri = "in-{runner}/*.csv"
[[step]]
id = "rows"
sql = "SELECT r, i FROM raw"
[[sink]]
from = "rows"
to = "table"
mode = "{mode}"
""" + ("""
[[expect]]
on = "rows"
name = "no ten"
rule = "i <> 10"
action = "quarantine"
[quarantine]
to = "bad"
""" if quarantine else ""))


def run(folder, *runners):
    """All at once."""
    started = [subprocess.Popen([tarn, "run", f"{runner}.toml"], cwd=folder, stderr=subprocess.PIPE,
                                text=True, env=dict(os.environ, HOME=folder)) for runner in runners]
    return [(process.communicate(timeout=120)[1], process.returncode)[::-1] for process in started]


def query(folder, sql):
    got = subprocess.run([tarn, "query", "--no-header", sql], cwd=folder, capture_output=True,
                         text=True, timeout=120)
    return got.stdout.split() if got.returncode == 0 else [got.stderr]


def rows(folder, table="table"):
    """Of each runner: how many rows, and how many different ones."""
    found = query(folder, f"SELECT r, count(*), count(DISTINCT i) FROM '{table}' GROUP BY r")
    return {int(line.split(",")[0]): tuple(map(int, line.split(",")[1:])) for line in found}


def is_marked(folder, runner):
    done = f"{folder}/ledger-{runner}/done"
    return os.path.isdir(done) and len(os.listdir(done)) > 0


def is_held(pid, folder, point):
    """Has the runner staged its files (and committed the first), and does it sleep now?"""
    have = [any(name.startswith("part-") for name in os.listdir(f"{folder}/{table}"))
            if os.path.isdir(f"{folder}/{table}") else False for table in ("table", "second")]
    log = os.path.exists(f"{folder}/table/_delta_log/{0:020}.json")
    ticks = lambda: open(f"/proc/{pid}/stat", encoding="utf-8").read().split()[13:15]  # noqa: E731
    if not all(have) or log != (point in ("sink_1_done", "sink_2_commit")):
        return False
    before = ticks()
    time.sleep(0.3)
    return ticks() == before


with tempfile.TemporaryDirectory() as scratch:
    refused = 0
    for start in range(ROUNDS):
        quarantine = start % 2 == 1
        whole = ROWS - quarantine
        # One name: one of them has the table, and the other is told that it does not.
        folder = f"{scratch}/same-{start}"
        for runner in (1, 2):
            make(folder, runner, "k", quarantine=quarantine)
        if start % 4 >= 2:  # the table is there before
            subprocess.run([tarn, "query", "COPY (SELECT 0::BIGINT AS r, 0::BIGINT AS i) TO 'table' "
                            "(FORMAT delta)"], cwd=folder, check=True)
        got = run(folder, 1, 2)
        have = rows(folder)
        have.pop(0, None)
        honest = all((have.get(runner) == (whole, whole)) == (code == 0) and
                     (runner in have or not is_marked(folder, runner))
                     for runner, (code, _) in zip((1, 2), got))
        check(f"one name, round {start}: who is done has its rows", honest and len(have) == 1,
              f"{have} {got}")
        lost = [runner for runner, (code, _) in zip((1, 2), got) if code != 0]
        told = [text for code, text in got if code != 0]
        refused += sum("another" in text and "hint:" in text for text in told)
        check("... and who is not is told", len(lost) == 1 and told and
              "ledger" in told[0] and "name" in told[0], got)
        for attempt in range(2):
            for code, text in run(folder, *lost):
                check("... each time", code == 1 and "ledger" in text, f"{code} {text}")
        # The remedy: another name.
        for runner in lost:
            with open(f"{folder}/{runner}.toml", encoding="utf-8") as file:
                changed = file.read().replace('name = "k"', 'name = "other"')
            with open(f"{folder}/{runner}.toml", "w", encoding="utf-8") as file:
                file.write(changed)
        got = run(folder, *lost)
        have = rows(folder)
        have.pop(0, None)
        check("... and another name takes its rows", have == {1: (whole, whole), 2: (whole, whole)},
              f"{have} {got}")

        # A name each: all rows of all of them.
        folder = f"{scratch}/each-{start}"
        for runner in (1, 2, 3):
            make(folder, runner, f"k{runner}", quarantine=quarantine)
        got = run(folder, 1, 2, 3)
        check(f"a name each, round {start}", rows(folder) == {r: (whole, whole) for r in (1, 2, 3)}
              and all(code == 0 for code, _ in got), f"{rows(folder)} {got}")
        check("... and nothing is new then", all(text.strip() == "nothing new" and code == 0
                                                 for code, text in run(folder, 1, 2, 3)))
        if quarantine:
            check("... with a quarantine that they share",
                  query(folder, "SELECT count(*) FROM 'bad'") == ["3"])

        # Tables that are overwritten: the rows of one, whole.
        folder = f"{scratch}/overwrite-{start}"
        for runner in (1, 2):
            make(folder, runner, f"k{runner}", mode="overwrite")
        got = run(folder, 1, 2)
        have = rows(folder)
        check(f"an overwritten table, round {start}", len(have) == 1 and
              set(have.values()) == {(ROWS, ROWS)} and all(code == 0 for code, _ in got),
              f"{have} {got}")
    check("some did meet", refused > 0, refused)

    # A run is given up by one runner while another one is at work on it, as two hosts may do on an
    # object store: the late one does not count as done what the tables have been closed to.
    for held, killed in itertools.product(("conserved", "sink_1_commit", "sink_1_done", "sink_2_commit"),
                                          (None, "void_table_marked", "void_tables_marked", "void_marked")):
        folder = f"{scratch}/void-{held}-{killed}"
        make(folder, 1, "k")
        with open(f"{folder}/1.toml", "a", encoding="utf-8") as out:
            out.write('[[step]]\nid = "more"\nsql = "SELECT i FROM rows"\n[[sink]]\nfrom = "more"\nto = "second"\n')
        with open(f"{folder}/in-1/2.csv", "w", encoding="utf-8") as out:
            out.write("r,i\n7,1\n7,2\n")
        late = subprocess.Popen([tarn, "run", "1.toml"], cwd=folder, stderr=subprocess.PIPE, text=True,
                                env=dict(os.environ, HOME=folder, TARN_HOLD_AT=held))
        for _ in range(400):
            if late.poll() is not None or os.path.exists(f"{folder}/ledger-1/runs/000000000001.json") and \
                    is_held(late.pid, folder, held):
                break
            time.sleep(0.01)
        os.remove(f"{folder}/ledger-1/lock")  # there is none elsewhere
        os.remove(f"{folder}/in-1/1.csv")
        more = {} if killed is None else {"TARN_STOP_AT": killed}
        early = subprocess.run([tarn, "run", "1.toml"], cwd=folder, capture_output=True, text=True,
                               timeout=120, env=dict(os.environ, HOME=folder, **more))
        told = late.communicate(timeout=120)[1]
        last = [run(folder, 1)[0] for _ in range(2)][-1]
        have, second = rows(folder), query(folder, "SELECT count(*) FROM 'second' WHERE i < 3")
        name = f"held at {held}, given up and killed at {killed}"
        if "sink_1_done" in held or "sink_2" in held:  # the first table had it, the second gets it
            check(f"{name}: all of it is there", have == {1: (ROWS, ROWS), 7: (2, 2)} and last[0] == 0 and
                  second == ["5"], f"{have} {second} {early.stderr} | {told} | {last}")
        else:
            check(f"{name}: what is left is there once", have == {7: (2, 2)} and second == ["2"] and
                  last == (0, "nothing new\n"), f"{have} {second} {early.stderr} | {told} | {last}")

finish()
