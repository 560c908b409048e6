#!/usr/bin/env python3
"""Results of many rows come whole from every operator whose rows are given out by several tasks at once:
to standard output and to a file of each format, with 1, 2 and 4 threads."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402

tarn = Tarn()
data = tarn.file("rows.parquet")
made = tarn.run("COPY (SELECT range AS n, range % 3 AS third, (range * 7919) % 200003 AS k, 'text ' || (range * 31) % 150001 "
                f"AS s FROM range(300000)) TO '{data}'")
case("the data is made", made.returncode == 0, made.stderr)

STATEMENTS = {
    "groups by number": f"SELECT k, count(*) AS c, sum(n) AS t FROM '{data}' GROUP BY k",
    "groups by text": f"SELECT s, count(*) AS c, sum(n) AS t FROM '{data}' GROUP BY s",
    "groups in order of rows": f"SELECT k % 30 AS g, median(n) AS m, max(n) AS t FROM '{data}' GROUP BY g",
    "DISTINCT": f"SELECT DISTINCT s, k FROM '{data}'",
    "EXCEPT": f"SELECT n FROM '{data}' EXCEPT SELECT n FROM '{data}' WHERE n < 100000",
    "INTERSECT ALL": f"SELECT k FROM '{data}' INTERSECT ALL SELECT k FROM '{data}' WHERE third > 0",
    "a full join": f"SELECT a.n, b.k AS m FROM '{data}' a FULL JOIN '{data}' b ON a.n = b.k",
    "a join in little memory": f"SELECT a.n, b.n AS m, b.s FROM '{data}' a JOIN '{data}' b ON a.k = b.n",
    "a semi join in little memory": f"SELECT n FROM '{data}' WHERE k IN (SELECT n FROM '{data}' WHERE n % 3 = 0)",
    "a sort": f"SELECT k, n FROM '{data}' ORDER BY k, n",
    "a sort of one column": f"SELECT k FROM '{data}' ORDER BY k",
    "groups of groups": f"SELECT c, k FROM (SELECT k, count(*) AS c FROM '{data}' GROUP BY k) GROUP BY c, k",
}
ENDINGS = ("csv", "jsonl", "parquet")


def lines(sql, threads):
    options = ["--threads", threads] + (["--memory", "64MB"] if "JOIN" in sql or " IN " in sql else [])
    done = tarn.run(sql, *options)
    return sorted(done.stdout.split("\n")) if done.returncode == 0 else done.stderr


for name, sql in STATEMENTS.items():
    expected = lines(sql, "1")
    case(f"{name}: {len(expected)} rows", isinstance(expected, list), expected)
    for threads in ("2", "4"):
        got = lines(sql, threads)
        case(f"{name}: the same with {threads} threads", got == expected, got[:300] if isinstance(got, str) else len(got))
    for ending in ENDINGS:
        target = tarn.file("out." + ending)
        for threads in ("2", "4"):
            done = tarn.run(f"SET preserve_order = {'off' if threads == '4' else 'on'}; COPY ({sql}) TO '{target}'",
                            "--threads", threads)
            got = lines(f"SELECT * FROM '{target}'", "1") if done.returncode == 0 else done.stderr
            case(f"{name}: a {ending} file by {threads} threads", got == expected,
                 got[:300] if isinstance(got, str) else len(got))
tarn.close()
