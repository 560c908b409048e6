#!/usr/bin/env python3
"""Tables that have a run and tables that do not: after a crash between two commits, in every
combination, and under a ledger that is lost or another's.  usage: pipeline_tables.py TARN"""
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import case as check, finish  # noqa: E402

tarn = os.path.abspath(sys.argv[1])

PIPELINE = """
[pipeline]
name = "k"

[[source]]
id = "a"
uri = "in/*.csv"
columns = { id = "BIGINT NOT NULL", v = "DECIMAL(10,2)" }

[[source]]
id = "n"
uri = "nd/*.jsonl"

[[step]]
id = "clean"
sql = "SELECT id, v, g FROM a WHERE v >= 0"

[[step]]
id = "agg"
sql = "SELECT g, count(*) AS c, sum(v) AS s FROM clean GROUP BY g"

[[step]]
id = "nn"
sql = "SELECT * FROM n"

[[expect]]
on = "clean"
name = "mod"
rule = "id % 50 <> 3"
action = "quarantine"

[[sink]]
from = "clean"
to = "lake/clean"
partition_by = ["g"]

[[sink]]
from = "agg"
to = "lake/agg"

[[sink]]
from = "nn"
to = "lake/nn"

[quarantine]
to = "lake/bad"
"""
QUERY = """
[[expect]]
name = "clean has no id below 0"
query = "SELECT id FROM clean WHERE id < 0 LIMIT 1"
action = "fail"
"""
TABLES = ("bad", "clean", "agg", "nn")


def write_file(folder, number):
    with open(f"{folder}/in/{number}.csv", "w", encoding="utf-8") as out:
        out.write("id,v,g\n")
        for i in range(300):
            out.write(f"{number * 1000 + i if i != 11 else ''},{i - 20}.25,{'xyz'[i % 3]}\n")
    with open(f"{folder}/nd/{number}.jsonl", "w", encoding="utf-8") as out:
        for i in range(20):
            out.write(f'{{"k": {number * 100 + i}}}\n')


def make(folder, text=PIPELINE):
    os.makedirs(f"{folder}/in")
    os.makedirs(f"{folder}/nd")
    with open(f"{folder}/p.toml", "w", encoding="utf-8") as out:
        out.write(text)
    write_file(folder, 1)
    return folder


def call(folder, *arguments):
    return subprocess.run([tarn, *arguments], cwd=folder, env=dict(os.environ, HOME=folder),
                          capture_output=True, text=True, timeout=120)


def rows(folder, table):
    columns = {"bad": "reason, raw", "clean": "id, v, g", "agg": "g, c, s", "nn": "k"}[table]
    got = call(folder, "query", f"SELECT {columns} FROM 'lake/{table}' ORDER BY ALL")
    return got.stdout if got.returncode == 0 else got.stderr


def tables(folder):
    return {table: rows(folder, table) for table in TABLES}


with tempfile.TemporaryDirectory() as scratch:
    whole = make(f"{scratch}/whole")
    got = call(whole, "run", "p.toml")
    wanted = wanted_first = tables(whole)
    check("the undisturbed run fills its tables", got.returncode == 0 and
          all(text.count("\n") > 1 for text in wanted.values()), f"{got.stderr} {wanted}")

    # What a crash between commits leaves, and more: every set of tables that have the run.
    for text, have in itertools.product([PIPELINE, PIPELINE + QUERY],
                                        itertools.product([False, True], repeat=len(TABLES))):
        missing = [table for table, has in zip(TABLES, have) if not has]
        folder = f"{scratch}/without-{'-'.join(missing)}-{len(text)}"
        call(make(folder, text), "run", "p.toml")
        shutil.rmtree(f"{folder}/lake/_tarn/k/done")
        for table in missing:
            shutil.rmtree(f"{folder}/lake/{table}")
        got = call(folder, "run", "p.toml")
        # A quarantine alone is not missed: it is committed before any sink.
        alone = missing == ["bad"]
        now = tables(folder)
        check(f"run 1 is finished without {' '.join(missing) or 'nothing'}",
              got.returncode == 0 and all(now[t] == wanted[t] for t in TABLES if not alone or
                                          t != "bad"),
              f"{got.returncode} {got.stderr}")
        again = call(folder, "run", "p.toml")
        check("... and once", again.returncode == 0 and "nothing new" in again.stderr,
              again.stderr)

    # A ledger that is lost: its numbers begin anew, and the tables have them.
    folder = f"{scratch}/lost"
    call(make(folder), "run", "p.toml")
    shutil.copytree(f"{folder}/lake/_tarn", f"{folder}/kept")
    shutil.rmtree(f"{folder}/lake/_tarn")
    write_file(folder, 2)
    for attempt in range(2):
        got = call(folder, "run", "p.toml")
        check(f"a lost ledger is told of, attempt {attempt}",
              got.returncode == 1 and "run 1 of 'k/" in got.stderr and "hint:" in got.stderr and
              tables(folder) == wanted, f"{got.returncode} {got.stderr}")
    got = call(folder, "status", "p.toml")
    check("... and nothing is marked as taken", not os.path.exists(f"{folder}/lake/_tarn/k/runs")
          or not os.listdir(f"{folder}/lake/_tarn/k/runs"), got.stdout)
    shutil.rmtree(f"{folder}/lake/_tarn")
    shutil.move(f"{folder}/kept", f"{folder}/lake/_tarn")
    got = call(folder, "run", "p.toml")
    check("... and what is new is taken once the ledger is back",
          got.returncode == 0 and rows(folder, "nn").count("\n") == 41, got.stderr)

    # Two pipelines of one name with a ledger each, into one table.
    folder = f"{scratch}/two"
    call(make(folder), "run", "p.toml")
    with open(f"{folder}/other.toml", "w", encoding="utf-8") as out:
        out.write(PIPELINE.replace('name = "k"', 'name = "k"\nstate = "elsewhere"', 1))
    got = call(folder, "run", "other.toml")
    check("another ledger's number is told of", got.returncode == 1 and
          "elsewhere" in got.stderr and tables(folder) == wanted, f"{got.returncode} {got.stderr}")

    # A step that reads its own sink's table: empty before the first run has made it.
    own = """
[pipeline]
name = "k"
[[source]]
id = "raw"
uri = "in/*.csv"
[[step]]
id = "total"
sql = "SELECT g, sum(v)::BIGINT AS v FROM (SELECT g, v FROM raw UNION ALL SELECT g, v FROM %s) AS t GROUP BY g"
[[sink]]
from = "total"
to = "lake/total"
mode = "overwrite"
%s
[[step]]
id = "before"
sql = "SELECT count(*) AS n FROM './lake/total'"
[[sink]]
from = "before"
to = "lake/before"
"""
    columns = 'columns = { g = "VARCHAR", v = "BIGINT" }'

    def start(folder, text):
        os.makedirs(f"{folder}/in", exist_ok=True)
        with open(f"{folder}/p.toml", "w", encoding="utf-8") as out:
            out.write(text)
        return folder

    def more(folder, number):
        with open(f"{folder}/in/{number}.csv", "w", encoding="utf-8") as out:
            out.write(f"g,v\na,{number}\nb,{10 * number}\n")

    def totals(folder):
        got = call(folder, "query", "SELECT g, v FROM 'lake/total' ORDER BY g; SELECT n FROM "
                   "'lake/before' ORDER BY n")
        return got.stdout.split() if got.returncode == 0 else got.stderr

    for name, table in (("by its URI", "'lake/total'"), ("otherwise written", "'lake//x/../total/'"),
                        ("by delta_scan", "delta_scan('lake/total')")):
        text = own % (table, columns)
        for point in (None, "ledger_written", "staged", "sink_1_done", "sink_2_done"):
            folder = start(f"{scratch}/own-{name}-{point}".replace(" ", "-"), text)
            more(folder, 1)
            if point is not None:
                subprocess.run([tarn, "run", "p.toml"], cwd=folder, capture_output=True, timeout=120,
                               env=dict(os.environ, HOME=folder, TARN_STOP_AT=point))
            got = call(folder, "run", "p.toml")
            check(f"a sink's own table {name}, killed at {point}", got.returncode == 0 and
                  totals(folder) == ["g,v", "a,1", "b,10", "n", "0"],
                  f"{got.stderr} {totals(folder)}")
            more(folder, 2)
            got = call(folder, "run", "p.toml")
            check("... and what the next run adds", got.returncode == 0 and
                  totals(folder) == ["g,v", "a,3", "b,30", "n", "0", "2"],
                  f"{got.stderr} {totals(folder)}")
    for name, text, wanted in (
            ("without columns", own % ("'lake/total'", ""), "no table at 'lake/total' yet"),
            ("with another type", own % ("'lake/total'", columns.replace("BIGINT", "INTEGER")),
             "column 2 of 'total' is v BIGINT, but its sink says v INTEGER"),
            ("with a column less", own % ("'lake/total'", 'columns = { g = "VARCHAR", v = "BIGINT", '
                                          'w = "DATE" }'), "its sink says w DATE"),
            ("with NOT NULL", own % ("'lake/total'", columns.replace('BIGINT', 'BIGINT NOT NULL')),
             "without NOT NULL"),
            ("of nothing", own % ("'lake/total'", "columns = {}"), "names none"),
            ("of another place", own % ("'lake/totals'", columns), "'lake/totals' is no Delta table")):
        folder = start(f"{scratch}/wrong-{name}".replace(" ", "-"), text)
        more(folder, 1)
        for command in ("check", "run"):
            got = call(folder, command, "p.toml")
            check(f"a sink's own table {name} is refused by {command}", got.returncode == 2 and
                  wanted in got.stderr + got.stdout and not os.path.exists(f"{folder}/lake/total"),
                  f"{got.returncode} {got.stdout} {got.stderr}")

    # A table that was taken away is not made anew with the rows of the new files alone.
    folder = make(f"{scratch}/gone")
    call(folder, "run", "p.toml")
    shutil.rmtree(f"{folder}/lake/clean")
    got = call(folder, "run", "p.toml")
    check("nothing new is nothing to do", got.returncode == 0, got.stderr)
    write_file(folder, 2)
    got = call(folder, "run", "p.toml")
    check("a table that is gone is named", got.returncode == 1 and "'lake/clean' is gone" in got.stderr and
          "run 1" in got.stderr and not os.path.exists(f"{folder}/lake/clean"), f"{got.returncode} {got.stderr}")
    shutil.rmtree(f"{folder}/lake")
    os.makedirs(f"{folder}/lake")
    got = call(folder, "run", "p.toml")
    check("without the ledger, too, all is made anew", got.returncode == 0 and "2 new files" in got.stderr, got.stderr)
    for table in TABLES:
        shutil.rmtree(f"{folder}/lake/{table}")
    got = call(folder, "reset", "--input", "**", "--yes", "p.toml")
    check("inputs are forgotten", got.returncode == 0, got.stderr)
    got = call(folder, "run", "p.toml")
    check("and taken again", got.returncode == 0 and rows(folder, "clean").count("\n") == 551, f"{got.stderr} "
          f"{rows(folder, 'clean')[:300]}")

    def killed(folder, point):
        return subprocess.run([tarn, "run", "p.toml"], cwd=folder, capture_output=True, timeout=120,
                              env=dict(os.environ, HOME=folder, TARN_STOP_AT=point)).returncode

    # Nor by the repetition of a run that was not finished.
    for point in ("ledger_written", "sink_1_done"):
        folder = make(f"{scratch}/gone-{point}")
        call(folder, "run", "p.toml")
        write_file(folder, 2)
        check(f"run 2 is killed at {point}", killed(folder, point) == -9)
        shutil.rmtree(f"{folder}/lake/agg")
        for attempt in range(2):
            got = call(folder, "run", "p.toml")
            check("... and its table is gone: that is said", got.returncode == 1 and
                  "'lake/agg' is gone" in got.stderr and "reset --run 2" in got.stderr and
                  not os.path.exists(f"{folder}/lake/agg"), f"{got.returncode} {got.stderr}")
        got = call(folder, "reset", "--run", "2", "--yes", "p.toml")
        got = call(folder, "reset", "--input", "**", "--yes", "p.toml")
        for table in TABLES:
            shutil.rmtree(f"{folder}/lake/{table}", ignore_errors=True)
        got = call(folder, "run", "p.toml")
        check("... and all is made anew", got.returncode == 0 and rows(folder, "clean").count("\n") == 551 and
              rows(folder, "agg").count("\n") == 4, f"{got.stderr} {rows(folder, 'agg')}")

    # Inputs of a run that was not finished are not forgotten: its repetition brings their rows.
    folder = make(f"{scratch}/forget")
    call(folder, "run", "p.toml")
    write_file(folder, 2)
    killed(folder, "sink_1_done")
    for options in (["--input", "**"], ["--input", "**", "--yes"], ["--input", "in/2.csv", "--yes"]):
        got = call(folder, "reset", *options, "p.toml")
        check(f"reset {' '.join(options)} waits for run 2", got.returncode == 1 and "run 2" in got.stderr and
              "reset --run 2" in got.stderr, f"{got.returncode} {got.stdout} {got.stderr}")
    got = call(folder, "reset", "--input", "in/1.csv", "--yes", "p.toml")
    check("... but not for those of run 1", got.returncode == 0 and "in/1.csv" in got.stdout, got.stderr)
    got = call(folder, "run", "p.toml")
    check("... and each row is there once a taking", got.returncode == 0 and
          rows(folder, "clean").count("\n") == 3 * 275 + 1 and
          rows(folder, "nn").count("\n") == 2 * 20 + 1, f"{got.stderr} {rows(folder, 'clean').count(chr(10))}")

    # A ledger of another kind is refused, not guessed at.
    for name, where, old, new, wanted in (
            ("of a later Tarn", "runs", b'"ledger":1', b'"ledger":2', "newer"),
            ("without a version", "runs", b'"ledger":1', b'"other":1', "no entry"),
            ("of another run", "runs", b'"run":1', b'"run":7', "no entry"),
            ("that is no object", "runs", None, b"[]", "no entry"),
            ("with an empty entry", "runs", None, b"{}", "no entry"),
            ("with an empty end", "done", None, b"{}", "no end"),
            ("with the end of another run", "done", b'"run":1', b'"run":7', "no end")):
        folder = make(f"{scratch}/kind-{name.replace(' ', '-')}")
        call(folder, "run", "p.toml")
        path = f"{folder}/lake/_tarn/k/{where}/000000000001.json"
        with open(path, "rb") as file:
            text = file.read()
        check("it has what is changed", old is None or old in text, text[:200])
        with open(path, "wb") as file:
            file.write(new if old is None else text.replace(old, new, 1))
        before = tables(folder)
        write_file(folder, 2)
        for command in (["run"], ["status"], ["reset", "--input", "**", "--yes"]):
            got = call(folder, *command, "p.toml")
            check(f"a ledger {name}: {command[0]} says so", got.returncode == 1 and wanted in got.stderr and
                  "000000000001.json" in got.stderr and tables(folder) == before,
                  f"{got.returncode} {got.stdout} {got.stderr}")

    # A source that came since a run began is not read as empty when the run is repeated.
    dimension = """
[[source]]
id = "names"
uri = "names.csv"
take = "all"
columns = { g = "VARCHAR" }
"""
    for point, tables_had in (("ledger_written", 0), ("sink_1_done", 1)):
        folder = make(f"{scratch}/added-{point}")
        with open(f"{folder}/names.csv", "w", encoding="utf-8") as out:
            out.write("g\nx\ny\nz\n")
        killed(folder, point)
        with open(f"{folder}/p.toml", "w", encoding="utf-8") as out:
            out.write(PIPELINE.replace("FROM clean GROUP", "FROM clean JOIN names USING (g) GROUP") + dimension)
        for attempt in range(2):
            got = call(folder, "run", "p.toml")
            check(f"a source that came since run 1 was killed at {point} is named", got.returncode == 1 and
                  "no source 'names'" in got.stderr and "reset --run 1" in got.stderr and
                  ("'lake/clean' keeps" in got.stderr) == (tables_had > 0), f"{got.returncode} {got.stderr}")
        with open(f"{folder}/p.toml", "w", encoding="utf-8") as out:
            out.write(PIPELINE)
        if tables_had > 0:
            got = call(folder, "run", "p.toml")
        else:
            got = call(folder, "reset", "--run", "1", "--yes", "p.toml")
            with open(f"{folder}/p.toml", "w", encoding="utf-8") as out:
                out.write(PIPELINE.replace("FROM clean GROUP", "FROM clean JOIN names USING (g) GROUP") + dimension)
            got = call(folder, "run", "p.toml")
        check("... and either remedy gives all rows", got.returncode == 0 and
              rows(folder, "clean") == wanted_first["clean"] and rows(folder, "agg") == wanted_first["agg"],
              f"{got.stderr} {rows(folder, 'agg')}")

finish()
