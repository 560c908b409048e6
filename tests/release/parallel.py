#!/usr/bin/env python3
"""The same rows from any number of threads, and how much sooner from two.

usage: tests/release/parallel.py TARN [--wall] [--rows N]
  Without --wall: results of 1, 2 and 4 threads are equal, sums over `order: input` to the bit, and so are
  the files that are written.  With --wall, on a machine that does nothing else: two threads take at most
  0.6 of the wall time of one, on the Q1-like query and from CSV to Parquet (the median of five runs)."""
import argparse
import hashlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import case, finish  # noqa: E402

LIMIT, RUNS = 0.6, 5
Q1 = ("SELECT flag, status, sum(quantity) AS quantity, sum(price) AS base, sum(price * (1 - discount)) AS "
      "discounted, sum(price * (1 - discount) * (1 + tax)) AS charge, avg(quantity) AS a, avg(price) AS b, "
      "avg(discount) AS c, count(*) AS n FROM {t} WHERE shipped <= DATE '1998-09-02' GROUP BY flag, status "
      "ORDER BY flag, status")
MAKE = ("SELECT range AS id, substr('ANR', 1 + (range * 7919) % 3, 1) AS flag, substr('FO', 1 + range % 2, 1) "
        "AS status, CAST(1 + (range * 31) % 50 AS DECIMAL(15,2)) AS quantity, "
        "CAST(900 + (range * 104729) % 100000 AS DECIMAL(15,2)) AS price, "
        "CAST((range % 11) / 100.0 AS DECIMAL(15,2)) AS discount, "
        "CAST((range % 9) / 100.0 AS DECIMAL(15,2)) AS tax, "
        "DATE '1992-01-01' + CAST((range * 37) % 2500 AS INTEGER) AS shipped, "
        "sqrt((range * 7919) % 1000003) * CASE WHEN range % 2 = 0 THEN 1e-3 ELSE -1e5 END AS x, "
        "'a comment of row ' || range AS comment FROM range({n})")
QUERIES = {
    "Q1-like": Q1,
    "a sum of doubles": "SELECT sum(x), avg(x) FROM {t}",
    "a filtered sum of doubles": "SELECT sum(x * 1.1) FROM {t} WHERE flag = 'A' AND quantity > 10",
    "sums of doubles by group, deterministic": "SET deterministic = on; SELECT flag, sum(x), avg(x) FROM {t} "
                                               "GROUP BY flag ORDER BY flag",
    "a join and a sort": "SELECT a.id, b.n FROM {t} a JOIN (SELECT quantity, count(*) AS n FROM {t} GROUP BY "
                         "quantity) b ON a.quantity = b.quantity ORDER BY a.price DESC, a.id LIMIT 50",
    "rows in their order": "SELECT id, x FROM {t} WHERE id % 1000 = 7",
    "a LIMIT without an order": "SELECT id FROM {t} WHERE flag = 'R' LIMIT 100",
    "a plan that is read twice": "WITH c AS (SELECT flag, x FROM {t} WHERE id % 3 > 0) SELECT a.s, b.n FROM "
                                 "(SELECT sum(x) AS s FROM c) a, (SELECT count(*) AS n FROM c WHERE flag = "
                                 "'N') b",
}


def run(sql, threads):
    done = subprocess.run([options.tarn, "query", "--threads", str(threads), sql], capture_output=True, text=True,
                          timeout=900, check=False)
    return done.stdout if done.returncode == 0 else "error: " + done.stderr


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def wall(sql, threads):
    taken = []
    for _ in range(RUNS):
        start = time.monotonic()
        answer = run(sql, threads)
        taken.append(time.monotonic() - start)
        if answer.startswith("error"):
            sys.exit(answer)
    return statistics.median(taken)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("tarn")
parser.add_argument("--wall", action="store_true")
parser.add_argument("--rows", type=int, default=0)
options = parser.parse_args()
options.tarn = os.path.abspath(options.tarn)
rows = options.rows or (20_000_000 if options.wall else 1_000_000)
with tempfile.TemporaryDirectory(prefix="tarn-parallel-") as folder:
    parquet, csv, out = (os.path.join(folder, name) for name in ("rows.parquet", "rows.csv", "out"))
    run(f"COPY ({MAKE.format(n=rows)}) TO '{parquet}'", 2)
    run(f"COPY (SELECT * FROM '{parquet}' LIMIT {rows // 4 if options.wall else rows}) TO '{csv}'", 2)
    convert = f"COPY (SELECT * FROM '{csv}') TO '{out}.{{}}.parquet'"
    if options.wall:
        for name, sql in (("Q1-like", Q1.format(t=f"'{parquet}'")),
                          ("CSV -> Parquet", convert.format("wall"))):
            one, two = wall(sql, 1), wall(sql, 2)
            case(f"{name}: {one:.3f} s with one thread, {two:.3f} s with two: {two / one:.2f}",
                 two <= LIMIT * one, f"more than {LIMIT}")
    else:
        for table, path in (("Parquet", parquet), ("CSV", csv)):
            for name, sql in QUERIES.items():
                if table == "CSV" and "GROUP BY" in sql:  # its numbers are DOUBLE
                    sql = "SET deterministic = on; " + sql
                want = run(sql.format(t=f"'{path}'"), 1)
                for threads in (2, 4):
                    got = run(sql.format(t=f"'{path}'"), threads)
                    case(f"{table}: {name}, {threads} threads",
                         got == want and not want.startswith("error"), (want, got))
        run(convert.format(1), 1)
        for threads in (2, 4):
            run(convert.format(threads), threads)
            case(f"CSV -> Parquet, {threads} threads: the same bytes",
                 digest(f"{out}.1.parquet") == digest(f"{out}.{threads}.parquet"))
        same = run(f"SELECT count(*), sum(hash(concat_ws('|', id, flag, price, x, comment)) % 1000003) FROM "
                   f"'{out}.4.parquet'", 2)
        case("CSV -> Parquet: the rows of the CSV", same == run(
            f"SELECT count(*), sum(hash(concat_ws('|', id, flag, price, x, comment)) % 1000003) FROM '{csv}'",
            1), same)
finish()
