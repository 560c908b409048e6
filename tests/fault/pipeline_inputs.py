#!/usr/bin/env python3
"""What a pipeline takes: one file once, however its pattern is written; nothing that it wrote
itself; names and files that are odd.  usage: pipeline_inputs.py TARN"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import case as check, finish  # noqa: E402

tarn = os.path.abspath(sys.argv[1])


def text(uri='"in/*.csv"', to="lake/t", head="", columns="", steps="", tail="", start="a"):
    return f"""
[pipeline]
name = "k"
{head}
[[source]]
id = "a"
uri = {uri}
{columns}
{steps}
[[sink]]
from = "{start}"
to = "{to}"
{tail}
"""


def make(folder):
    os.makedirs(f"{folder}/in")
    for number in (1, 2):
        with open(f"{folder}/in/{number}.csv", "w", encoding="utf-8") as out:
            out.write("a,b\n" + "".join(f"{number * 10 + i},x\n" for i in range(5)))
    return folder


def call(folder, *arguments):
    return subprocess.run([tarn, *arguments], cwd=folder, env=dict(os.environ, HOME=folder),
                          capture_output=True, timeout=120, encoding="utf-8", errors="replace")


def run(folder, pipeline, command="run", *arguments):
    with open(f"{folder}/p.toml", "w", encoding="utf-8") as out:
        out.write(pipeline)
    return call(folder, command, *arguments, "p.toml")


def query(folder, sql):
    got = call(folder, "query", sql)
    return got.stdout if got.returncode == 0 else got.stderr


with tempfile.TemporaryDirectory() as scratch:
    scratch = os.path.realpath(scratch)

    # One file is one file, however it is named.
    folder = make(f"{scratch}/kk")
    first = run(folder, text())
    for uri in ("in/*.csv", "./in/*.csv", "in//*.csv", f"{folder}/in/*.csv", "../kk/in/*.csv",
                f"{folder}/../kk/./in/*.csv"):
        got = run(folder, text(f'"{uri}"'))
        check(f"'{uri}' takes nothing twice".replace(scratch, ""), got.returncode == 0
              and got.stderr.strip() == "nothing new", got.stderr)
    os.makedirs(f"{scratch}/elsewhere")
    got = call(f"{scratch}/elsewhere", "run", f"{folder}/p.toml")
    check("... nor from another folder", got.stderr.strip() == "nothing new", got.stderr)
    check("the files were taken once", query(folder, "SELECT count(*) FROM 'lake/t'").split()
          [-1] == "10", first.stderr)
    folder = make(f"{scratch}/several")
    run(folder, text(f'["in/*.csv", "./in/*.csv", "{folder}/in/1.csv", "../several/in/*.csv"]'))
    check("four patterns take a file once",
          query(folder, "SELECT count(*) FROM 'lake/t'").split()[-1] == "10")

    # Names that the ledger cannot keep.
    folder = make(f"{scratch}/names")
    os.rename(f"{folder}/in/2.csv".encode(), f"{folder}/in/".encode() + b"b\xff.csv")
    for attempt in range(2):
        got = run(folder, text())
        check(f"a name that is not UTF-8 is refused, attempt {attempt}", got.returncode == 1
              and "b\\xff.csv" in got.stderr and "UTF-8" in got.stderr, got.stderr)

    # The built-in columns are in no table that did not name them.
    for name, more, columns in (
            ("a rule of NOT NULL", {"columns": 'columns = { a = "BIGINT NOT NULL" }'}, "a,b"),
            ("a step that names one", {"start": "s", "steps": "[[step]]\nid = \"s\"\n"
             "sql = \"SELECT * FROM a -- _file\"\n[[sink]]\nfrom = \"a\"\nto = \"lake/u\""}, "a,b"),
            ("a step that gives one", {"start": "s", "steps": "[[step]]\nid = \"s\"\n"
             "sql = \"SELECT a, _line FROM a\"\n[[sink]]\nfrom = \"a\"\nto = \"lake/u\""},
             "a,_line")):
        folder = make(f"{scratch}/{name.replace(' ', '-')}")
        got = run(folder, text(**more))
        check(f"{name}: the table has {columns}", got.returncode == 0 and
              query(folder, "SELECT * FROM 'lake/t' LIMIT 1").split("\n")[0] == columns and
              ("lake/u" not in text(**more) or
               query(folder, "SELECT * FROM 'lake/u' LIMIT 1").split("\n")[0] == "a,b"),
              got.stderr + query(folder, "SELECT * FROM 'lake/t' LIMIT 1"))
        shown = call(folder, "run", "--step", "a", "p.toml")
        check("... and --step shows no more", "_file" not in shown.stdout, shown.stdout)

    # What a run writes is not what the next one reads.
    quarantine = '[quarantine]\nto = "%s"'
    two = '[[step]]\nid = "s"\nsql = "SELECT * FROM a"\n[[sink]]\nfrom = "s"\nto = "%s"'
    folder = make(f"{scratch}/inside")
    for name, pipeline, wanted in (
            ("a sink in its source", text('"in/**/*.parquet"', to="in/t"), "takes its files"),
            ("a sink in a source's folder", text('"in"', to="./in/t"), "takes its files"),
            ("a quarantine in its source", text('"in/**/*"', tail=quarantine % "in/bad"),
             "takes its files"),
            ("a state in its source", text('"in/**"', head='state = "in/state"'),
             "takes its files"),
            ("a quarantine that is a sink", text(tail=quarantine % "lake/t"), "'lake/t'"),
            ("a sink twice, with a dot", text(steps=two % "./lake/t"), "has a sink already"),
            ("a sink twice, the long way", text(steps=two % "lake/../lake/t/"),
             "has a sink already"),
            ("a sink in another", text(steps=two % "lake/t/more"), "inside the table"),
            ("a state in a sink", text(head='state = "lake/t/state"'), "inside the table")):
        for command in ("check", "run"):
            got = run(folder, pipeline, command)
            check(f"{name} is refused by {command}", got.returncode == 2 and
                  wanted in got.stdout + got.stderr and not os.path.exists(f"{folder}/lake"),
                  f"{got.returncode} {got.stdout} {got.stderr}")
    for name, pipeline in (
            ("other files beside", text('"in/**/*.csv"', to="in/t")),
            ("a hidden folder", text('"in/*"', to="in/_t"))):
        got = run(folder, pipeline)
        check(f"{name} are no matter", got.returncode == 0, got.stderr)

    # Empty files have no rows.
    folder = make(f"{scratch}/empty")
    run(folder, text())
    open(f"{folder}/in/3.csv", "w", encoding="utf-8").close()
    got = run(folder, text())
    again = run(folder, text())
    check("an empty file has no rows once columns are known", got.returncode == 0 and
          again.stderr.strip() == "nothing new", got.stderr)
    folder = make(f"{scratch}/empty-first")
    shutil.rmtree(f"{folder}/in")
    os.makedirs(f"{folder}/in")
    open(f"{folder}/in/0.csv", "w", encoding="utf-8").close()
    got = run(folder, text(columns='columns = { a = "BIGINT", b = "VARCHAR" }'))
    check("... or declared", got.returncode == 0 and
          query(folder, "SELECT count(*) FROM 'lake/t'").split()[-1] == "0", got.stderr)

    for ending in ("csv", "jsonl"):
        folder = f"{scratch}/empty-{ending}"
        os.makedirs(f"{folder}/in")
        open(f"{folder}/in/0.{ending}", "w", encoding="utf-8").close()
        got = run(folder, text(f'"in/*.{ending}"'))
        check(f"an empty first file of {ending}: the hint is in the file's words", got.returncode == 2
              and "columns = { id" in got.stderr, got.stderr)

    # A row that a step's expectation sets aside has its file and line while it is one row of one.
    steps = """
[[step]]
id = "s"
sql = "%s"
[[expect]]
on = "s"
name = "odd"
rule = "%s %% 2 = 1"
action = "quarantine"
[quarantine]
to = "lake/bad"
"""
    places = "in/1.csv,2 in/1.csv,4 in/1.csv,6 in/2.csv,2 in/2.csv,4 in/2.csv,6"
    for name, sql, key, wanted in (
            ("projected", "SELECT a + 0 AS n, b FROM a", "n", places),
            ("all columns", "SELECT * FROM a", "a", places),
            ("named by itself", "SELECT a, _line, _file FROM a", "a", places),
            ("filtered", "SELECT upper(b) AS u, a FROM a WHERE a > 13", "a",
             "in/1.csv,6 in/2.csv,2 in/2.csv,4 in/2.csv,6"),
            ("nested", "SELECT c FROM (SELECT a AS c FROM a WHERE b = 'x') AS t", "c", places),
            ("of a WITH", "WITH w AS (SELECT a + 0 AS c FROM a), v AS (SELECT c FROM w) SELECT v.c "
             "FROM v WHERE c IN (SELECT c FROM w)", "c", places),
            ("in order", "SELECT a FROM a ORDER BY a LIMIT 3", "a", "in/1.csv,2 in/1.csv,4"),
            ("ordered by what is not given", "SELECT a AS c FROM a ORDER BY -a LIMIT 3", "c",
             "in/2.csv,4 in/2.csv,6"),
            ("found in others", "SELECT a FROM a WHERE a IN (SELECT max(a) FROM a)", "a",
             "in/2.csv,6"),
            ("with one value of all", "SELECT a, (SELECT max(a) FROM a) AS m FROM a", "a", places),
            ("unnested", "SELECT a, unnest([1, 2]) AS u FROM a WHERE a = 12", "a",
             "in/1.csv,4 in/1.csv,4"),
            ("counted", "SELECT a, count(*) AS n FROM a GROUP BY a HAVING a < 13", "a", ", ,"),
            ("joined", "SELECT x.a FROM a AS x JOIN a AS y ON x.a = y.a WHERE x.a < 13", "a",
             ", ,"),
            ("with a column of that name", "SELECT a, 1 AS _origin_file FROM a WHERE a < 13", "a",
             ", ,")):
        folder = make(f"{scratch}/{name.replace(' ', '-')}")
        got = run(folder, text(start="s", steps=steps % (sql, key)))
        bad = query(folder, "SELECT regexp_replace(file, '.*/(in/)', '\\1') AS f, line FROM 'lake/bad' "
                    "ORDER BY ALL").strip().split("\n")[1:]
        check(f"rows of a step, {name}: file and line", got.returncode == 0 and
              " ".join(bad) == wanted, f"{got.stderr} {bad}")
        first = query(folder, "SELECT * FROM 'lake/t' LIMIT 0").strip()
        check("... and they are no columns", "line" not in first or "named" in name, first)
    folder = make(f"{scratch}/two-steps")
    more = '[[step]]\nid = "first"\nsql = "SELECT a + 1 AS d, b FROM a WHERE a > 12"\n'
    got = run(folder, text(start="s", steps=more + steps % ("SELECT d - 1 AS e FROM first", "e")))
    bad = query(folder, "SELECT line, raw FROM 'lake/bad' ORDER BY ALL").strip().split("\n")[1:]
    check("rows of a step over a step", got.returncode == 0 and bad[0] == '2,"{""e"":20}"' and
          len(bad) == 4, f"{got.stderr} {bad}")

    # A field that was not there before is refused with its path, wherever it stands.
    def lines(folder, number, records):
        with open(f"{folder}/in/{number}.jsonl", "w", encoding="utf-8") as out:
            out.write("".join(record + "\n" for record in records))

    known = ['{"a": %d, "p": {"x": 1, "l": [{"k": 1}], "m": {"z": 1}}}' % i for i in range(3)]
    long = ['{"a": %d, "p": {"x": 1, "l": [{"k": 1}], "m": {"z": 1}}}' % i for i in range(30000)]
    for name, record, path in (
            ("a column", '{"a": 1, "n": 2}', "'n'"),
            ("in an object", '{"a": 1, "p": {"x": 1, "n": 2}}', "'p.n'"),
            ("in a list", '{"a": 1, "p": {"l": [{"k": 1}, {"k": 2, "n": {"o": 1}}]}}', "'p.l[].n'"),
            ("deeper", '{"a": 1, "p": {"m": {"z": 1, "\\u006e": null}}}', "'p.m.n'")):
        for where, records in (("at once", [record]), ("late", long + [record, '{"a": 0}'])):
            for first in (False, True):  # in the first run there is nothing else to compare with
                if first and where == "at once":
                    continue
                folder = f"{scratch}/field-{name}-{where}-{first}".replace(" ", "-")
                os.makedirs(f"{folder}/in")
                lines(folder, 1, records if first else known)
                pipeline = text('"in/*.jsonl"')
                got = None if first else run(folder, pipeline)
                if not first:
                    check("a first file is taken", got.returncode == 0, got.stderr)
                    lines(folder, 2, records)
                got = run(folder, pipeline)
                number = 1 if first else 2
                check(f"a new field {name}, {where}{', in a first run' if first else ''}",
                      got.returncode == 1 and path in got.stderr and f"in/{number}.jsonl" in got.stderr
                      and ("line 30001" in got.stderr or where == "at once") and
                      "on_new_column" in got.stderr, got.stderr)
                got = run(folder, text('"in/*.jsonl"', columns='on_new_column = "ignore"'))
                check("... and left out where that was asked for", got.returncode == 0, got.stderr)
    folder = f"{scratch}/field-in-bad"
    os.makedirs(f"{folder}/in")
    lines(folder, 1, known)
    run(folder, text('"in/*.jsonl"', tail=quarantine % "lake/bad"))
    lines(folder, 2, ['{"a": 4}', '{"a": 1, "n": ', '{"a": "no"}', '{"a": 5}'])
    got = run(folder, text('"in/*.jsonl"', tail=quarantine % "lake/bad"))
    check("a bad record's new field is no matter", got.returncode == 0 and
          query(folder, "SELECT count(*) FROM 'lake/bad'").split()[-1] == "2", got.stderr)
    for column, first, second in (("text", "VARCHAR", '{"a": 1, "p": {"n": 1}}'),
                                  ("map", "MAP(VARCHAR, BIGINT)", '{"a": 1, "p": {"n": 1}}')):
        folder = f"{scratch}/field-{column}"
        os.makedirs(f"{folder}/in")
        pipeline = text('"in/*.jsonl"', columns=f'columns = {{ p = "{first}" }}')
        lines(folder, 1, ['{"a": 1, "p": {"x": 1}}'])
        run(folder, pipeline)
        lines(folder, 2, [second])
        got = run(folder, pipeline)
        check(f"a {column} takes any field", got.returncode == 0, got.stderr)
    folder = f"{scratch}/field-parquet"
    os.makedirs(f"{folder}/in")
    call(folder, "query", "COPY (SELECT {'x': 1} AS p) TO 'in/1.parquet'")
    run(folder, text('"in/*.parquet"'))
    call(folder, "query", "COPY (SELECT {'x': 1, 'n': 2} AS p) TO 'in/2.parquet'")
    got = run(folder, text('"in/*.parquet"'))
    check("a new field of a Parquet file is told of", got.returncode == 1 and "'p.n'" in got.stderr,
          got.stderr)

    # A column that the ledger keeps is told of as such, and its remedy helps.
    folder = make(f"{scratch}/column-lost")
    run(folder, text())
    with open(f"{folder}/in/3.csv", "w", encoding="utf-8") as out:
        out.write("a\n30\n")
    got = run(folder, text())
    check("a file without a column of earlier runs is told of", got.returncode == 1 and
          "there is no column 'b', which the files of earlier runs had" in got.stderr, got.stderr)
    got = run(folder, text(columns='format = { type = "csv", union_by_name = true }'))
    check("... and read with NULLs where that is asked for", got.returncode == 0 and
          query(folder, "SELECT a, b IS NULL AS n FROM 'lake/t' WHERE a = 30").split()[-1] == "30,true",
          got.stderr)

    # A step can be looked at after a run that failed in it.
    folder = make(f"{scratch}/failed")
    step = '[[step]]\nid = "s"\nsql = "SELECT a, %s AS c FROM a"'
    got = run(folder, text(start="s", steps=step % "CAST(b AS BIGINT)"))
    check("a run fails in SQL", got.returncode == 1, got.stderr)
    check("... and names the step", "in the step 's'" in got.stderr and
          "line 11, column 18" in got.stderr, got.stderr)
    shown = run(folder, text(start="s", steps=step % "b"), "run", "--step", "s")
    check("--step reads what that run took", shown.returncode == 0 and
          shown.stdout.count("\n") >= 11, shown.stderr + shown.stdout)
    got = run(folder, text(start="s", steps=step % "b"))
    check("... and the run is finished", got.returncode == 0, got.stderr)

    # A source that gets another id does not take what it had taken.
    folder = make(f"{scratch}/renamed")
    run(folder, text())
    renamed = text(start="z").replace('id = "a"', 'id = "z"')
    for attempt in range(2):
        got = run(folder, renamed)
        check(f"a source that was renamed is told of, attempt {attempt}", got.returncode == 1 and "'in/1.csv'" in
              got.stderr and "id 'a' again" in got.stderr and "reset" in got.stderr, f"{got.returncode} {got.stderr}")
    got = call(folder, "status", "p.toml")
    check("... status still answers", got.returncode == 0 and "2 files are waiting" in got.stdout, got.stderr)
    got = run(folder, text())
    check("... its own id takes nothing twice", got.stderr.strip() == "nothing new", got.stderr)
    both = text(start="s", steps="[[source]]\nid = \"z\"\nuri = \"in/*.csv\"\n[[step]]\nid = \"s\"\n"
                "sql = \"SELECT a, b FROM a UNION ALL SELECT a, b FROM z\"")
    got = run(folder, both)
    check("... a second source takes the files for itself", got.returncode == 0 and query(
        folder, "SELECT count(*) FROM 'lake/t'").split()[-1] == "20", got.stderr)
    run(folder, renamed, "reset", "--input", "**", "--yes")
    got = run(folder, renamed)
    check("... and on purpose they are taken again", got.returncode == 0 and query(
        folder, "SELECT count(*) FROM 'lake/t'").split()[-1] == "30", got.stderr)

finish()
