#!/usr/bin/env python3
"""Few groups, whose rows are aggregated group by group: each group says what its rows alone say without
GROUP BY, for keys and arguments in every encoding, with nulls, filters and aggregates that take rows one
by one beside them, and 1 and 2 threads."""
import itertools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402

tarn = Tarn()
data = tarn.file("rows.parquet")
# Stretches of one key, of all keys, and a key that comes late; arguments dictionary-coded, plain, narrow,
# wide, with nulls and constant.
made = tarn.run(
    "COPY (SELECT CASE WHEN range BETWEEN 50000 AND 60000 THEN 'A' WHEN range > 190000 THEN 'late' "
    "ELSE substr('ANR', 1 + ((range * 7919) % 3)::INT, 1) END AS flag, "
    "CASE WHEN range % 5 = 0 THEN 'F' ELSE 'O' END AS status, "
    "CASE WHEN range % 11 = 0 THEN NULL WHEN range % 2 = 0 THEN 'even' ELSE 'odd' END AS holes, "
    "(range % 4)::INTEGER AS digit, "
    "(range % 50)::DECIMAL(15,2) / 4 AS coded, (range * 31 % 100003)::DECIMAL(15,2) AS plain, "
    "(range % 7)::TINYINT AS narrow, (range % 3000)::USMALLINT AS short, "
    "CASE WHEN range % 13 = 0 THEN NULL ELSE range % 100 END AS gaps, "
    "(18446744073709551615 - range % 9)::UBIGINT AS large, "
    "((range * 7919) % 1000)::DOUBLE / 8 AS real, 'x' || range % 6 AS word, range AS n "
    f"FROM range(200000)) TO '{data}'")
case("the data is made", made.returncode == 0, made.stderr)

EXACT = ("sum(coded), avg(coded), sum(plain), sum(plain * (1 - coded)), sum(narrow), avg(narrow), sum(short), "
         "avg(short), sum(large), avg(large), sum(n), count(*), count(word)")
LISTS = {
    "exact ones": EXACT,
    "with nulls": "sum(gaps), avg(gaps), count(gaps), sum(plain), count(*)",
    "with others": "sum(plain), min(word), max(real), sum(real), avg(real), round(stddev(real), 6), count(*), sum(coded), "
                   "first(n), last(n), bool_or(gaps = 3), sum(n), sum(narrow), count(gaps), avg(plain), sum(large)",
    "with filters": "sum(plain) FILTER (n % 3 = 0), count(*) FILTER (gaps > 50), sum(coded), count(*), sum(n)",
    "of constants": "sum(3), count(1), sum(NULL::INT), sum(2.5), count(*)",
}
KEYS = {"flag": 4, "flag, status": 8, "status, digit": 8, "digit": 4, "holes": 3, "flag, digit": 16,
        "flag, status, digit": 32}
CONDITIONS = ["true", "n % 3 <> 1", "plain > 90000", "n >= 0"]


def rows(sql, threads):
    done = tarn.run(sql, "--threads", threads, "--format", "csv", "--no-header")
    return sorted(done.stdout.splitlines()) if done.returncode == 0 else [done.stderr]


for (keys, most), (name, aggregates) in itertools.product(KEYS.items(), LISTS.items()):
    wrong = []
    for condition in CONDITIONS if keys == "flag, status" else CONDITIONS[:2]:
        names = keys.split(", ")
        groups = [g.split(",") for g in rows(f"SELECT DISTINCT {keys} FROM '{data}' WHERE {condition}", "1")]
        alone = " UNION ALL ".join(
            f"SELECT {', '.join(f'{k} AS {k}' for k in names)}, * FROM (SELECT {aggregates} FROM '{data}' WHERE "
            f"{condition} AND " + " AND ".join(
                f"{k} IS NOT DISTINCT FROM " + (f"'{v}'" if v else "NULL") for k, v in zip(names, group)) + ")"
            for group in groups)
        # constants in place of the keys, which are no columns there
        for group in groups:
            for k, v in zip(names, group):
                alone = alone.replace(f"{k} AS {k}", (f"'{v}'" if v else "NULL") + f" AS {k}", 1)
        expected = rows(alone, "1")
        if not 0 < len(expected) <= most:
            wrong.append(f"{len(expected)} groups: {expected[0]}")
        for threads in ("1", "2"):
            got = rows(f"SELECT {keys}, {aggregates} FROM '{data}' WHERE {condition} GROUP BY {keys}", threads)
            if got != expected:
                wrong.append(f"{condition}, {threads} threads: {[pair for pair in zip(got, expected) if pair[0] != pair[1]][:1]}")
    case(f"{name} by {keys}", not wrong, "; ".join(wrong))

tarn.close()
