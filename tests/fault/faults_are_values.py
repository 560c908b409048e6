"""A fault is a value until a row needs it: guarded divisions and casts never raise, in any encoding, over
ten million rows; and no rule of the optimiser evaluates a row that the query would not, or forgets one
that it would."""
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402
import parquet_file as pq  # noqa: E402

tarn = Tarn()
PAGE, TURNS = 1000, 1000  # rows of a page; how often it stands in a file: a million rows

# ---- every encoding ----

A = [row * 37 % 1009 for row in range(PAGE)]
B = [row % 5 for row in range(PAGE)]
GOOD = [row % 3 for row in range(PAGE)]  # 0: the text is no number
S = [b"oops %d" % (row % 7) if good == 0 else b"%d" % (row % 50) for row, good in enumerate(GOOD)]


def expect(turns, a=A, b=B, good=GOOD, s=S):
    """What the guarded statements answer for rows that stand `turns` times."""
    divided = [x // y if y else None for x, y in zip(a, b)]
    cast = [int(text) if fine else None for text, fine in zip(s, good)]
    count = len(a) * turns
    return [f"{count},{sum(d for d in divided if d is not None) * turns}",
            f"{sum(d is not None and d > 1 for d in divided) * turns}",
            f"{sum(d is not None and d > 1 for d in divided) * turns}",
            f"{sum(c is not None for c in cast) * turns},{sum(c or 0 for c in cast) * turns}",
            f"{sum(c is not None and c > 20 for c in cast) * turns}",
            f"{sum(c is not None for c in cast) * turns}"]


GUARDED = ["SELECT count(*), sum(CASE WHEN b <> 0 THEN a / b END) FROM {t}",
           "SELECT count(*) FROM {t} WHERE b <> 0 AND a / b > 1",
           "SELECT count(*) FROM {t} WHERE a / b > 1 AND b <> 0",
           "SELECT count(n), sum(n) FROM (SELECT CAST(s AS BIGINT) AS n FROM {t} WHERE good <> 0)",
           "SELECT count(*) FROM {t} WHERE CAST(s AS BIGINT) > 20 AND good <> 0",
           "SELECT count(CASE WHEN good <> 0 THEN CAST(s AS BIGINT) END) FROM {t}"]
NAKED = ["SELECT count(*), sum(a / b) FROM {t}", "SELECT count(*) FROM {t} WHERE a / b > 1",
         "SELECT sum(CAST(s AS BIGINT)) FROM {t}"]
rows_run = 0


def run_table(name, table, count, want, before=""):
    """All guarded statements in one session, and each of the others, which must raise."""
    global rows_run
    got = tarn.run(before + "; ".join(statement.format(t=table) for statement in GUARDED))
    lines = got.stdout.strip().split("\n")[1::2]
    case(f"{name}: no guarded fault is raised", lines == want, (got.stderr, lines, want))
    for statement in NAKED:
        done = tarn.run(before + statement.format(t=table))
        case(f"{name}: {statement.split(' FROM')[0]}... raises",
             done.returncode != 0 and re.search("division by zero|cannot cast", done.stderr),
             done.stdout or done.stderr)
    rows_run += count


def flags(encoding):
    """Encodings that are not for the kind: the plain one."""
    whole = encoding if encoding in (pq.PLAIN, pq.DICTIONARY, pq.DELTA, pq.SPLIT) else pq.PLAIN
    text = encoding if encoding in (pq.PLAIN, pq.DICTIONARY, pq.DELTA_LENGTH, pq.DELTA_BYTES) \
        else pq.PLAIN
    return whole, text


for encoding in pq.NAMES:
    for nullable in (False, True):
        if nullable and encoding in (pq.SPLIT, pq.DELTA_LENGTH):
            continue
        whole, text = flags(encoding)
        path = tarn.file(f"{pq.NAMES[encoding]}-{nullable}.parquet")
        turns = TURNS if not nullable else TURNS // 2
        pq.write(path, [pq.Column("a", pq.INT64, [A], whole, nullable),
                        pq.Column("b", pq.INT32, [B], whole, nullable),
                        pq.Column("good", pq.INT32, [GOOD], whole, nullable),
                        pq.Column("s", pq.BYTES, [S], text, nullable)], turns)
        run_table(f"Parquet {pq.NAMES[encoding]}{', nullable' if nullable else ''}", f"'{path}'",
                  PAGE * turns, expect(turns))
        os.remove(path)
lines = "".join(f"{a},{b},{g},{s.decode()}\n" for a, b, g, s in zip(A, B, GOOD, S))
path = tarn.file("rows.csv")
with open(path, "w") as out:
    out.write("a,b,good,s\n" + lines * TURNS)
run_table("CSV", f"'{path}'", PAGE * TURNS, expect(TURNS))
os.remove(path)
small = tarn.file("small.parquet")
pq.write(small, [pq.Column("a", pq.INT64, [A], pq.DICTIONARY),
                 pq.Column("b", pq.INT64, [B], pq.DICTIONARY),
                 pq.Column("good", pq.INT64, [GOOD], pq.DICTIONARY),
                 pq.Column("s", pq.BYTES, [S], pq.DICTIONARY)], TURNS // 2)
run_table("a table in memory", "m", PAGE * TURNS // 2, expect(TURNS // 2),
          f"CREATE TABLE m AS SELECT * FROM '{small}'; ")
# Constants: branches whose columns are the same in every row, filtered above.
constant = ("(SELECT range AS a, 0 AS b, 0 AS good, 'oops' AS s FROM range(500000) "
            "UNION ALL SELECT range, 2, 1, '42' FROM range(500000))")
half = list(range(500000))
run_table("constants", constant, 1000000,
          ["1000000,%d" % sum(a // 2 for a in half), "499996", "499996", "500000,21000000",
           "500000", "500000"])
# Sequences: both sides count, the divisor passes 0.
sequence = ("(SELECT range AS a, range - 400000 AS b, range % 3 AS good, "
            "CASE WHEN range % 3 = 0 THEN 'oops' ELSE '42' END AS s FROM range(1000000))")
quotients = [int(a / (a - 400000)) for a in range(1000000) if a != 400000]
run_table("sequences", sequence, 1000000,
          ["1000000,%d" % sum(quotients), "%d" % sum(q > 1 for q in quotients),
           "%d" % sum(q > 1 for q in quotients), "666666,27999972", "666666", "666666"])
case(f"{rows_run / 1e6:.1f} M rows in all", rows_run >= 10_000_000, rows_run)

# ---- every rule of the optimiser ----

# x holds 0, 1, 2; y pairs with it.  Rows with 0 are planted: (rule, must not raise, rows, must raise).
SETUP = ("CREATE TABLE t AS SELECT * FROM (VALUES (0, 10), (1, 11), (2, 12)) v(x, y); "
         "CREATE TABLE u AS SELECT * FROM (VALUES (1, 100), (2, 200), (2, 201)) v(x, z); "
         "CREATE TABLE big AS SELECT range AS x, range % 7 AS z FROM range(1, 5000); ")
RULES = [
    ("subqueries",
     "SELECT x FROM t WHERE x <> 0 AND 10 / x > (SELECT min(z) FROM u WHERE u.x = 9 AND 1 / (z - 100) "
     "> 0) OR x = 1 ORDER BY 1", "1",
     "SELECT x FROM t WHERE 10 / x > (SELECT min(z) - 1000 FROM u)"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 0 THEN -1 ELSE (SELECT max(z / t.x) FROM u) END FROM t ORDER BY 1",
     "0,-1\n1,201\n2,100",
     "SELECT x, CASE WHEN x = 1 THEN -1 ELSE (SELECT max(z / t.x) FROM u) END FROM t"),
    ("subqueries",
     "SELECT x, if(x < 9, 1, (SELECT max(1 / (z - 100)) FROM u)) FROM t ORDER BY 1", "0,1\n1,1\n2,1",
     "SELECT x, if(x < 2, 1, (SELECT max(1 / (z - 100)) FROM u)) FROM t"),
    ("subqueries",
     "SELECT x, x <> 0 AND (SELECT max(z / t.x) FROM u) > 150 FROM t ORDER BY 1",
     "0,false\n1,true\n2,false",
     "SELECT x, x < 2 AND (SELECT max(z / t.x) FROM u) > 150 FROM t"),
    ("subqueries", "SELECT x FROM t WHERE x = 0 OR (SELECT max(z / t.x) FROM u) > 150 ORDER BY 1",
     "0\n1", "SELECT x FROM t WHERE x = 1 OR (SELECT max(z / t.x) FROM u) > 150"),
    ("subqueries",
     "SELECT x, coalesce(nullif(x, 1), (SELECT max(z / t.x) FROM u)) FROM t ORDER BY 1",
     "0,0\n1,201\n2,2",
     "SELECT x, coalesce(nullif(x, 0), (SELECT max(z / t.x) FROM u)) FROM t"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 0 THEN false ELSE 200 / x IN (SELECT z FROM u) END FROM t ORDER BY 1",
     "0,false\n1,true\n2,true",
     "SELECT x, CASE WHEN x = 1 THEN false ELSE 200 / x IN (SELECT z FROM u) END FROM t"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 0 THEN false ELSE x NOT IN (SELECT z / t.x FROM u) END FROM t ORDER BY 1",
     "0,false\n1,true\n2,true",
     "SELECT x, CASE WHEN x = 1 THEN false ELSE x NOT IN (SELECT z / t.x FROM u) END FROM t"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 0 THEN false ELSE EXISTS (SELECT 1 FROM u WHERE u.z = 200 / t.x) END "
     "FROM t ORDER BY 1", "0,false\n1,true\n2,true",
     "SELECT x, CASE WHEN x = 1 THEN false ELSE EXISTS (SELECT 1 FROM u WHERE u.z = 200 / t.x) END "
     "FROM t"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 0 THEN false ELSE EXISTS (SELECT 1 FROM u WHERE z / t.x > 150) END "
     "FROM t ORDER BY 1", "0,false\n1,true\n2,false",
     "SELECT x, CASE WHEN x = 1 THEN false ELSE EXISTS (SELECT 1 FROM u WHERE z / t.x > 150) END "
     "FROM t"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 0 THEN -1 ELSE (SELECT z / t.x FROM u ORDER BY z / t.x LIMIT 1) END "
     "FROM t ORDER BY 1", "0,-1\n1,100\n2,50",
     "SELECT x, CASE WHEN x = 1 THEN -1 ELSE (SELECT z / t.x FROM u ORDER BY z / t.x LIMIT 1) END "
     "FROM t"),
    ("subqueries",
     "SELECT x, CASE WHEN (SELECT count(*) FROM u WHERE u.x = t.x) = 0 THEN 0 ELSE (SELECT max(z / t.x) "
     "FROM u) END FROM t ORDER BY 1", "0,0\n1,201\n2,100",
     "SELECT x, CASE WHEN (SELECT count(*) FROM u WHERE u.x = t.x) = 1 THEN 0 ELSE (SELECT max(z / t.x) "
     "FROM u) END FROM t"),
    ("subqueries", "SELECT sum(CASE WHEN x <> 0 THEN (SELECT max(z / t.x) FROM u) END) FROM t", "301",
     "SELECT sum(CASE WHEN x <> 1 THEN (SELECT max(z / t.x) FROM u) END) FROM t"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 2 THEN -1 WHEN x = 0 THEN (SELECT 1 / (t.x + 1)) ELSE (SELECT z FROM u "
     "WHERE u.x = t.x) END FROM t ORDER BY 1", "0,1\n1,100\n2,-1",
     "SELECT x, CASE WHEN x = 2 THEN -1 WHEN x = 0 THEN (SELECT 1 / t.x) ELSE (SELECT z FROM u "
     "WHERE u.x = t.x) END FROM t"),
    ("subqueries",
     "SELECT x FROM t WHERE x IN (SELECT x FROM u) AND y / x > 1 ORDER BY 1", "1\n2",
     "SELECT x FROM t WHERE x + 1 IN (SELECT x FROM u) AND y / x > 1"),
    ("subqueries",
     "SELECT x FROM t WHERE y / x > 1 AND EXISTS (SELECT 1 FROM u WHERE u.x = t.x) ORDER BY 1", "1\n2",
     "SELECT x FROM t WHERE y / x > 1 AND NOT EXISTS (SELECT 1 FROM u WHERE u.x = t.x)"),
    ("subqueries",
     "SELECT x FROM t WHERE (SELECT max(z) FROM u WHERE u.x = t.x) > 5 AND y / x > 1 ORDER BY 1", "1\n2",
     "SELECT x FROM t WHERE (SELECT max(z) FROM u) > 5 AND y / x > 1"),
    ("subqueries",
     "SELECT x FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.z / t.x > 0) AND x IN (SELECT x FROM u) "
     "ORDER BY 1", "1\n2",
     "SELECT x FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.z / t.x > 0) AND x NOT IN (SELECT x FROM u)"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 0 THEN -1 ELSE (SELECT max(q) FROM (SELECT z / t.x AS q FROM u EXCEPT "
     "SELECT 7 / t.x) s) END FROM t ORDER BY 1", "0,-1\n1,201\n2,100",
     "SELECT x, CASE WHEN x = 1 THEN -1 ELSE (SELECT max(q) FROM (SELECT 1 AS q EXCEPT SELECT 7 / t.x) "
     "s) END FROM t"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 0 THEN -1 ELSE (SELECT sum(q) FROM (SELECT z / t.x AS q FROM u) a FULL "
     "JOIN (SELECT 100 / t.x AS w) b ON q = w) END FROM t ORDER BY 1", "0,-1\n1,501\n2,250",
     "SELECT x, CASE WHEN x = 1 THEN -1 ELSE (SELECT sum(z) FROM u a FULL JOIN (SELECT 100 / t.x AS w) b "
     "ON z = w) END FROM t"),
    ("subqueries",
     "SELECT x, CASE WHEN x = 0 THEN -1 ELSE (SELECT sum(q) FROM (SELECT z / t.x AS q FROM u) a LEFT "
     "JOIN (SELECT 100 / t.x AS w) b ON q = w) END FROM t ORDER BY 1", "0,-1\n1,501\n2,250",
     "SELECT x, CASE WHEN x = 1 THEN -1 ELSE (SELECT sum(w) FROM u a LEFT JOIN (SELECT 100 / t.x AS w) b "
     "ON z > w) END FROM t"),
    ("unnest",
     "SELECT x, (SELECT max(1 / (z - 100)) FROM u WHERE u.x = t.x) FROM t WHERE x <> 1 ORDER BY 1",
     "0,\n2,0", "SELECT x, (SELECT max(1 / (z - 100)) FROM u WHERE u.x = t.x) FROM t"),
    ("unnest",
     "SELECT x, (SELECT 1 / (z - 100) FROM u WHERE u.x = t.x ORDER BY 1 LIMIT 1) FROM t WHERE x <> 1 "
     "ORDER BY 1", "0,\n2,0",
     "SELECT x, (SELECT 1 / (z - 100) FROM u WHERE u.x = t.x ORDER BY 1 LIMIT 1) FROM t"),
    ("unnest",
     "SELECT t.x, s.m FROM t, LATERAL (SELECT sum(q) AS m FROM (SELECT x, 1 / (z - 100) AS q FROM u) v "
     "WHERE v.x = t.x) s WHERE t.x <> 1 ORDER BY 1", "0,\n2,0",
     "SELECT t.x, s.m FROM t, LATERAL (SELECT sum(q) AS m FROM (SELECT x, 1 / (z - 100) AS q FROM u) v "
     "WHERE v.x = t.x) s"),
    ("unnest",
     "SELECT t.x, z FROM t LEFT JOIN u ON t.x <> 0 AND u.z = 200 / t.x ORDER BY 1",
     "0,\n1,200\n2,100", "SELECT t.x, z FROM t LEFT JOIN u ON t.x <> 1 AND u.z = 200 / t.x"),
    ("inline_shared",
     "WITH c AS (SELECT x, 10 / x AS q FROM t) SELECT q FROM c WHERE x <> 0 ORDER BY 1", "5\n10",
     "WITH c AS (SELECT x, 10 / x AS q FROM t) SELECT q FROM c"),
    ("inline_shared",
     "WITH c AS MATERIALIZED (SELECT x, 10 / x AS q FROM t) SELECT c.q FROM c WHERE x <> 0 UNION ALL "
     "SELECT d.q FROM c d WHERE 1 = 2 ORDER BY 1", "5\n10",
     "WITH c AS (SELECT x, 10 / x AS q FROM t) SELECT q FROM c UNION ALL SELECT q FROM c WHERE 1 = 2"),
    ("pull_fallible",
     "WITH c AS (SELECT x, 10 / x AS q FROM t) SELECT a.q FROM c a JOIN c b ON a.x = b.x WHERE b.x <> 0 "
     "ORDER BY 1", "5\n10",
     "WITH c AS (SELECT x, 10 / x AS q FROM t) SELECT a.q FROM c a JOIN c b ON a.x = b.x"),
    ("fold", "SELECT CASE WHEN 1 = 2 THEN 1 / 0 ELSE x END FROM t ORDER BY 1", "0\n1\n2",
     "SELECT CASE WHEN 1 = 1 THEN 1 / 0 ELSE x END FROM t"),
    ("fold", "SELECT x FROM t WHERE 1 = 2 AND 1 / 0 = 1", "", "SELECT x FROM t WHERE 1 / 0 = 1"),
    ("fold", "SELECT x FROM t WHERE x > 5 AND 1 / 0 = 1", "", "SELECT x FROM t WHERE x > 1 AND 1 / 0 = 1"),
    ("limits_of_subqueries",
     "SELECT x, (SELECT z / t.x FROM u WHERE u.x = t.x ORDER BY z LIMIT 1) FROM t ORDER BY 1",
     "0,\n1,100\n2,100", "SELECT x, (SELECT z / t.x FROM u ORDER BY z LIMIT 1) FROM t"),
    ("unnest",
     "SELECT x FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.x = t.x AND z / t.x >= 100) ORDER BY 1",
     "1\n2", "SELECT x FROM t WHERE EXISTS (SELECT 1 FROM u WHERE z / t.x >= 100)"),
    ("unnest",
     "SELECT x FROM t WHERE x <> 0 AND 100 / x IN (SELECT z FROM u) ORDER BY 1", "1",
     "SELECT x FROM t WHERE 100 / x IN (SELECT z FROM u)"),
    ("unnest",
     "SELECT x FROM t WHERE x NOT IN (SELECT 10 / (z - 100) FROM u WHERE z <> 100) ORDER BY 1",
     "1\n2", "SELECT x FROM t WHERE x NOT IN (SELECT 10 / (z - 100) FROM u)"),
    ("distinct_aggregates",
     "SELECT count(DISTINCT 10 / x), sum(y) FROM t WHERE x <> 0", "2,23",
     "SELECT count(DISTINCT 10 / x), sum(y) FROM t"),
    ("distinct_aggregates",
     "SELECT count(DISTINCT CASE WHEN x <> 0 THEN 10 / x END), count(DISTINCT y) FROM t", "2,3",
     "SELECT count(DISTINCT 10 / x), count(DISTINCT y) FROM t"),
    ("distinct_aggregates", "SELECT sum(DISTINCT 10 / x) FILTER (WHERE x <> 0) FROM t", "15",
     "SELECT sum(DISTINCT 10 / x) FILTER (WHERE x < 2) FROM t"),
    ("simplify",
     "SELECT q + 1 FROM (SELECT x, 10 / x AS q FROM t) WHERE x > 0 ORDER BY 1", "6\n11",
     "SELECT q + 1 FROM (SELECT x, 10 / x AS q FROM t)"),
    ("simplify",
     "SELECT x FROM (SELECT x, y FROM t WHERE x <> 0) WHERE y / x > 6 ORDER BY 1", "1",
     "SELECT x FROM (SELECT x, y FROM t WHERE y > 0) WHERE y / x > 6"),
    ("filter_pushdown",
     "SELECT t.x, z FROM t JOIN u ON t.x = u.x WHERE z / t.x > 99 ORDER BY 1, 2", "1,100\n2,200\n2,201",
     "SELECT t.x, z FROM t LEFT JOIN u ON t.x = u.x WHERE 10 / t.x > 1"),
    ("filter_pushdown",
     "SELECT t.x, z FROM t JOIN u ON t.x = u.x WHERE 10 / t.x > 1 ORDER BY 1, 2",
     "1,100\n2,200\n2,201", "SELECT t.x FROM t CROSS JOIN u WHERE 10 / t.x > 1"),
    ("filter_pushdown",
     "SELECT t.x FROM t LEFT JOIN u ON t.x = u.x AND 10 / t.x > 1 WHERE t.x <> 0 ORDER BY 1",
     "1\n2\n2", "SELECT t.x FROM t LEFT JOIN u ON u.x > 0 AND 10 / t.x > 1"),
    ("filter_pushdown",
     "SELECT x, n FROM (SELECT x, count(*) AS n FROM t WHERE x <> 0 GROUP BY x) WHERE 10 / x > 5 "
     "ORDER BY 1", "1,1", "SELECT x, n FROM (SELECT x, count(*) AS n FROM t GROUP BY x) WHERE 10 / x > 5"),
    ("filter_pushdown",
     "SELECT x FROM (SELECT x FROM t WHERE x <> 0 UNION ALL SELECT x FROM u) WHERE 10 / x > 5 "
     "ORDER BY 1", "1\n1", "SELECT x FROM (SELECT x FROM t UNION ALL SELECT x FROM u) WHERE 10 / x > 5"),
    ("filter_pushdown",
     "SELECT DISTINCT x FROM (SELECT DISTINCT x FROM t WHERE x <> 0) WHERE 10 / x > 5", "1",
     "SELECT x FROM (SELECT DISTINCT x FROM t) WHERE 10 / x > 5"),
    ("filter_pushdown",
     "SELECT x FROM (SELECT x FROM t ORDER BY x DESC LIMIT 2) WHERE 10 / x > 5", "1",
     "SELECT x FROM (SELECT x FROM t ORDER BY x LIMIT 2) WHERE 10 / x > 5"),
    ("pull_fallible",
     "SELECT z, q FROM (SELECT x, 10 / x AS q FROM t) a JOIN u ON a.x = u.x ORDER BY 1",
     "100,10\n200,5\n201,5", "SELECT q FROM (SELECT x, 10 / x AS q FROM t) a LEFT JOIN u ON a.x = u.x"),
    ("pull_fallible",
     "SELECT q FROM (SELECT x, 10 / x AS q FROM t) ORDER BY x DESC LIMIT 2", "5\n10",
     "SELECT q FROM (SELECT x, 10 / x AS q FROM t) ORDER BY x LIMIT 2"),
    ("pull_fallible",
     "SELECT q FROM (SELECT x, 10 / x AS q FROM t) a SEMI JOIN u ON a.x = u.x ORDER BY 1", "5\n10",
     "SELECT q FROM (SELECT x, 10 / x AS q FROM t) a ANTI JOIN u ON a.x = u.x ORDER BY 1"),
    ("join_order",
     "SELECT count(*), min(10 / t.x) FROM big JOIN t ON big.x = t.x JOIN u ON u.x = t.x "
     "WHERE 10 / t.x > 1", "3,5",
     "SELECT count(*) FROM big JOIN t ON big.x > t.x JOIN u ON u.x = big.x WHERE 10 / t.x > 1"),
    ("join_order",
     "SELECT count(*) FROM big JOIN t ON big.x = t.x JOIN u ON u.x = t.x AND u.z / t.x > 50", "3",
     "SELECT count(*) FROM big JOIN t ON big.x > t.x JOIN u ON u.x = big.x AND u.z / t.x > 0"),
    ("build_side",
     "SELECT count(*), max(10 / t.x) FROM t JOIN big ON big.x = t.x", "2,10",
     "SELECT max(10 / t.x) FROM t JOIN big ON big.x = t.x + 1"),
    ("build_side",
     "SELECT count(*) FROM t JOIN big ON big.x = CASE WHEN t.x <> 0 THEN 10 / t.x END", "2",
     "SELECT count(*) FROM t JOIN big ON big.x = 10 / t.x"),
    ("build_side",
     "SELECT count(*), max(10 / t.x) FROM t LEFT JOIN big ON big.x = t.x WHERE t.x <> 0", "2,10",
     "SELECT count(*), max(10 / t.x) FROM t LEFT JOIN big ON big.x = t.x"),
    ("statistics", "SELECT CASE WHEN count(*) = 3 THEN 7 ELSE 1 / 0 END, max(x) FROM t", "7,2",
     "SELECT 1 / (count(*) - 3), max(x) FROM t"),
    ("statistics", "SELECT count(*) FROM (SELECT x, 10 / x AS q FROM t)", "3",
     "SELECT count(*), count(10 / x) FROM t"),
    ("statistics", "SELECT max(10 / x) FILTER (WHERE x <> 0) FROM t", "10", "SELECT max(10 / x) FROM t"),
    ("top_n", "SELECT 10 / x FROM t ORDER BY x DESC LIMIT 2", "5\n10",
     "SELECT 10 / x FROM t ORDER BY x LIMIT 1"),
    ("top_n", "SELECT 10 / x FROM (SELECT * FROM t ORDER BY y DESC) LIMIT 2", "5\n10",
     "SELECT 10 / x FROM (SELECT * FROM t ORDER BY y) LIMIT 2"),
    ("top_n", "SELECT x FROM (SELECT x FROM t ORDER BY y) WHERE 10 / x > 1 AND x > 0 LIMIT 1", "1",
     "SELECT x FROM (SELECT x FROM t ORDER BY y) WHERE 10 / x > 1 LIMIT 1"),
    ("top_n", "SELECT x FROM t WHERE x <> 0 ORDER BY 10 / x LIMIT 1", "2",
     "SELECT x FROM t ORDER BY 10 / x LIMIT 1"),
    ("projection_pushdown", "SELECT y FROM (SELECT y, 10 / x AS q FROM t) ORDER BY 1", "10\n11\n12",
     "SELECT y, q FROM (SELECT y, 10 / x AS q FROM t) ORDER BY 1"),
    ("projection_pushdown",
     "SELECT n FROM (SELECT y, count(*) AS n, max(CASE WHEN x <> 0 THEN 10 / x END) AS m FROM t GROUP BY y)"
     " ORDER BY 1", "1\n1\n1",
     "SELECT n, m FROM (SELECT y, count(*) AS n, max(10 / x) AS m FROM t GROUP BY y)"),
    ("scan_conjuncts", "SELECT x FROM '{file}' WHERE x > 0 AND 10 / x > 5", "1",
     "SELECT x FROM '{file}' WHERE x < 2 AND 10 / x > 5"),
    ("scan_conjuncts", "SELECT x FROM '{file}' WHERE x = 1 OR (x > 1 AND 10 / x > 4) ORDER BY 1", "1\n2",
     "SELECT x FROM '{file}' WHERE x = 1 OR 10 / x > 4"),
    ("finish", "SELECT x FROM t WHERE x <> 0 AND 10 / x > 5 LIMIT 1", "1",
     "SELECT x FROM t WHERE 10 / x > 5 ORDER BY x"),
]
file = tarn.file("t.parquet")
tarn.run(f"COPY (SELECT * FROM (VALUES (0, 10), (1, 11), (2, 12)) v(x, y)) TO '{file}'")


def answer(statement, disabled):
    done = tarn.run(f"SET optimizer_disabled = '{disabled}'; " + SETUP + statement)
    return done.stdout.strip().split("\n", 1)[1:] if done.returncode == 0 else done.stderr


def plan(statement, disabled):
    return tarn.run(f"SET optimizer_disabled = '{disabled}'; " + SETUP + "EXPLAIN " + statement).stdout


source = pathlib.Path(__file__).resolve().parent.parent.parent / "src" / "plan" / "optimise.c"
steps = re.findall(r'^    \{"(\w+)", (?:BOTTOM|TOP)\w+, .*(true|false)\}', source.read_text(), re.M)
named = {rule for rule, _, _, _ in RULES}
case("each rule has its case", {name for name, _ in steps} == named,
     {name for name, _ in steps} ^ named)
# With a rule off, the other rules still must not raise, and must.
for turn, (rule, never, want, always) in enumerate(RULES):
    never, always = never.replace("{file}", file), always.replace("{file}", file)
    needed = dict(steps).get(rule) == "true"
    for disabled in [""] if needed else ["", rule]:
        off = " without it" if disabled else ""
        got = answer(never, disabled)
        good = isinstance(got, list) and (want == "" or "".join(got) == want)
        case(f"{rule} {turn}: not raised{off}", good, (never, got, want))
        got = answer(always, disabled)
        case(f"{rule} {turn}: raised{off}", isinstance(got, str) and "division by zero" in got,
             (always, got))
for rule in sorted({name for name, needed in steps if needed == "false"}):
    moved = [turn for turn, (name, never, _, always) in enumerate(RULES) if name == rule and any(
        plan(text.replace("{file}", file), "") != plan(text.replace("{file}", file), rule)
        for text in (never, always))]
    case(f"{rule} rewrites a case of its own", moved, "its plans are the same with and without it")
tarn.close()
