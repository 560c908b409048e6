#!/usr/bin/env python3
"""Rows are conserved: pipelines of many shapes, whose figures must balance, agree with plain Python, be in
the ledger and in `tarn status`; and a run that loses a row commits nothing.  usage: conserved.py TARN"""
import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import case as check, finish  # noqa: E402

tarn = os.path.abspath(sys.argv[1])
ROWS = 50_000  # more than a batch, and more than a morsel's share of one thread


def command(folder, *words, **environment):
    return subprocess.run([tarn, *words], cwd=folder, capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, HOME=folder, **environment))


def table(folder, uri):
    got = command(folder, "query", f"SELECT count(*) AS n FROM '{uri}'")
    return int(got.stdout.split()[1]) if got.returncode == 0 else got.stderr


HEAD = """
[pipeline]
name = "p"
[[source]]
id = "raw"
uri = "in/*.FORMAT"
columns = { id = "BIGINT", k = "INTEGER" }
"""
PLACES = """
[[source]]
id = "places"
uri = "places.csv"
take = "all"
"""
QUARANTINE = """
[quarantine]
to = "lake/bad"
"""


def step(name, sql):
    return f"[[step]]\nid = \"{name}\"\nsql = \"\"\"{sql}\"\"\"\n"


def sink(name):
    return f"[[sink]]\nfrom = \"{name}\"\nto = \"lake/{name}\"\n"


def expect(on, rule, action):
    return f"[[expect]]\non = \"{on}\"\nname = \"{rule}\"\nrule = \"{rule}\"\naction = \"{action}\"\n"


# k is id % 100; every 1000th id of a CSV is no number: its k is 99.
# name, file, {station: (in, out, filtered, quarantined, dropped)} with None where it is not told
BAD = ROWS // 1000
GOOD = ROWS - BAD
CASES = [
    ("a source goes straight to its table", "csv", HEAD + sink("raw") + QUARANTINE,
     {"raw": (ROWS, GOOD, 0, BAD, 0)}),
    ("a filter", "csv", HEAD + step("s", "SELECT id FROM raw WHERE k < 10") + sink("s") + QUARANTINE,
     {"raw": (ROWS, GOOD, 0, BAD, 0), "s": (GOOD, ROWS // 10, GOOD - ROWS // 10, 0, 0)}),
    ("a filter that goes into a Parquet scan", "parquet",
     HEAD + step("s", "SELECT id FROM raw WHERE id < 100") + sink("s"),
     {"raw": (ROWS, ROWS, 0, 0, 0), "s": (ROWS, 100, ROWS - 100, 0, 0)}),
    ("filters in two steps", "parquet",
     HEAD + step("s", "SELECT id, k FROM raw WHERE k < 50") +
     step("t", "SELECT id FROM s WHERE id < 1000") + sink("s") + sink("t"),
     {"s": (ROWS, ROWS // 2, ROWS // 2, 0, 0), "t": (ROWS // 2, 500, ROWS // 2 - 500, 0, 0)}),
    ("filters in two steps, of which one is kept", "parquet",
     HEAD + step("s", "SELECT id, k FROM raw WHERE k < 50") +
     step("t", "SELECT id FROM s WHERE id < 1000") + sink("t"),
     {"s": (ROWS, ROWS // 2, ROWS // 2, 0, 0), "t": (ROWS // 2, 500, ROWS // 2 - 500, 0, 0)}),
    ("rules that drop and quarantine", "csv",
     HEAD + step("s", "SELECT * FROM raw") + expect("s", "k > 0", "drop") +
     expect("s", "k < 99", "quarantine") + expect("s", "k < 50", "warn") + sink("s") + QUARANTINE,
     {"s": (GOOD, GOOD - 2 * ROWS // 100 + BAD, 0, ROWS // 100 - BAD, ROWS // 100)}),
    ("a rule of a source, and two readers of it", "csv",
     HEAD + expect("raw", "k > 0", "quarantine") + step("s", "SELECT id FROM raw WHERE k = 1") +
     step("t", "SELECT id FROM raw WHERE k = 2") + sink("s") + sink("t") + QUARANTINE,
     {"raw": (ROWS, GOOD - ROWS // 100, 0, BAD + ROWS // 100, 0),
      "s": (None, ROWS // 100, None, 0, 0), "t": (None, ROWS // 100, None, 0, 0)}),
    ("a join, an aggregate, a union", "parquet",
     HEAD + PLACES +
     step("j", "SELECT raw.id, p.name FROM raw JOIN places p ON raw.k = p.k WHERE p.name <> 'p3'") +
     step("a", "SELECT name, count(*) AS n FROM j GROUP BY name") +
     step("u", "SELECT id FROM j UNION ALL SELECT n FROM a") + sink("a") + sink("u"),
     {"j": (ROWS + 5, 4 * ROWS // 100, 0, 0, 0), "a": (4 * ROWS // 100, 4, 0, 0, 0),
      "u": (4 * ROWS // 100 + 4, 4 * ROWS // 100 + 4, 0, 0, 0), "places": (5, 5, 0, 0, 0)}),
    ("a subquery that reads from outside", "parquet",
     HEAD + PLACES +
     step("j", "SELECT id, (SELECT max(name) FROM places p WHERE p.k = raw.k) AS name FROM raw "
          "WHERE k IN (SELECT k FROM places)") + sink("j"),
     {"j": (None, ROWS // 20, None, 0, 0), "raw": (ROWS, ROWS, 0, 0, 0)}),
    ("a limit", "parquet",
     HEAD + step("s", "SELECT id FROM raw ORDER BY id LIMIT 7") + step("t", "SELECT * FROM s") +
     sink("t"), {"s": (ROWS, 7, 0, 0, 0), "t": (7, 7, 0, 0, 0)}),
    ("a limit that stops the scan", "parquet",
     HEAD + step("s", "SELECT id FROM raw LIMIT 7") + sink("s"), {"s": (None, 7, 0, 0, 0)}),
    ("a step that counts only", "parquet",
     HEAD + step("s", "SELECT id FROM raw") + step("n", "SELECT count(*) AS n FROM s") + sink("n"),
     {"s": (ROWS, ROWS, 0, 0, 0), "n": (ROWS, 1, 0, 0, 0)}),
    ("a filter that holds nowhere", "parquet",
     HEAD + step("s", "SELECT id FROM raw WHERE 1 = 2") + sink("s"), {"s": (None, 0, None, 0, 0)}),
    ("a source whose NOT NULL is broken", "csv",
     HEAD.replace('k = "INTEGER"', 'k = "INTEGER NOT NULL", x = "VARCHAR NOT NULL"') + sink("raw") +
     QUARANTINE, {"raw": (ROWS, 0, 0, ROWS, 0)}),
]


def balances(flow):
    return not flow["row_wise"] or flow["rows_in"] == (
        flow["rows_out"] + flow["filtered"] + flow["quarantined"] + flow["dropped"])


def run_case(folder, name, kind, text, wanted):
    with open(f"{folder}/p.toml", "w", encoding="utf-8") as out:
        out.write(text.replace("FORMAT", kind))
    got = command(folder, "run", "--log-format", "json", "p.toml")
    if got.returncode != 0:
        check(name, False, got.stderr)
        return
    flows = json.loads(got.stderr.strip().splitlines()[-1])["flows"]
    seen = {f["name"]: f for f in flows if f["kind"] in ("source", "step")}
    wrong = [f"{s}: {seen.get(s)}" for s, figures in wanted.items()
             if s not in seen or any(w is not None and w != seen[s][k] for w, k in zip(
                 figures, ("rows_in", "rows_out", "filtered", "quarantined", "dropped")))]
    check(f"{name}: figures", not wrong, " ".join(wrong))
    check(f"{name}: each row-wise step balances", all(balances(f) for f in seen.values()), str(seen))
    sinks = [f for f in flows if f["kind"] in ("sink", "quarantine")]
    there = {f["name"]: table(folder, f["name"]) for f in sinks}
    check(f"{name}: the tables hold what the summary says",
          all(there[f["name"]] == f["rows"] for f in sinks), f"{there} {sinks}")
    set_aside = sum(f["quarantined"] for f in seen.values())
    bad = sum(f["rows"] for f in sinks if f["kind"] == "quarantine")
    check(f"{name}: what was quarantined is in the quarantine", set_aside == bad,
          f"{set_aside} {bad}")
    with open(f"{folder}/lake/_tarn/p/done/000000000001.json", encoding="utf-8") as record:
        kept = {f["name"]: f for f in json.load(record)["flows"]}
    check(f"{name}: the ledger keeps them", all(
        kept[s][k] == seen[s][k] for s in seen
        for k in ("rows_in", "rows_out", "filtered", "quarantined", "dropped")), str(kept))
    status = command(folder, "status", "p.toml").stdout
    check(f"{name}: status shows them",
          all(f"{seen[s]['rows_in']} rows" in status for s in seen), status)


def write_inputs(folder):
    os.makedirs(f"{folder}/in")
    rows = [(str(i) if i % 1000 != 999 else "many", i % 100) for i in range(ROWS)]
    for part in range(2):
        with open(f"{folder}/in/{part}.csv", "w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["id", "k", "x"])
            writer.writerows((i, k, "") for i, k in rows[part * ROWS // 2:(part + 1) * ROWS // 2])
    with open(f"{folder}/places.csv", "w", encoding="utf-8") as out:
        out.write("k,name\n" + "".join(f"{k},p{k}\n" for k in range(5)))
    command(folder, "query", f"COPY (SELECT range AS id, range % 100 AS k FROM range({ROWS})) "
            "TO 'in/0.parquet'")


with tempfile.TemporaryDirectory() as scratch:
    for number, (title, source, document, figures) in enumerate(CASES):
        place = f"{scratch}/{number}"
        os.makedirs(place)
        write_inputs(place)
        run_case(place, title, source, document, figures)
    for number, (title, source, document, figures) in enumerate(CASES[1:8]):
        place = f"{scratch}/lost-{number}"
        os.makedirs(place)
        write_inputs(place)
        with open(f"{place}/p.toml", "w", encoding="utf-8") as text_out:
            text_out.write(document.replace("FORMAT", source))
        result = command(place, "run", "p.toml", TARN_LOSE_ROW="1")
        tables = [n for n in os.listdir(f"{place}/lake") if not n.startswith("_")
                  and os.path.exists(f"{place}/lake/{n}/_delta_log/00000000000000000000.json")]
        check(f"a row is lost ({title}): the run fails, and nothing is committed",
              result.returncode == 70 and "out of balance" in result.stderr and not tables,
              f"{result.returncode} {result.stderr} {tables}")
        again = command(place, "run", "p.toml")
        check(f"... and the next run mends it ({title})", again.returncode == 0, again.stderr)

    # What is set aside does not stay in memory; and the bar of a known input says how far it is.
    place = f"{scratch}/many"
    os.makedirs(f"{place}/in")
    with open(f"{place}/in/0.csv", "w", encoding="utf-8") as text_out:
        text_out.write("id,k,pad\n")
        pad = "abcdefghij" * 40
        for row in range(300_000):
            text_out.write(f"x{row},1,{pad}\n")
    with open(f"{place}/p.toml", "w", encoding="utf-8") as text_out:
        text_out.write((HEAD + sink("raw") + QUARANTINE).replace("FORMAT", "csv"))
    result = command(place, "run", "p.toml", "--stats", "--memory", "64MB", "--progress", "always")
    stats = json.loads(result.stderr.strip().splitlines()[-1]) if result.returncode == 0 else {}
    check("120 MB of bad records are set aside within 64 MB",
          stats.get("peak_rss_bytes", 1 << 40) < 64e6 and stats["spilled_bytes"] > 60e6
          and table(place, "lake/bad") == 300_000, f"{result.stderr[-500:]}")
    check("the bar has a share", "%" in result.stderr and "[#" in result.stderr, result.stderr[:300])

finish()
