#!/usr/bin/env python3
"""A table of many partitions is written within the memory given, with one file a partition, however the rows
come: rows whose partition is not open wait in the row store, and are spilled."""
import glob
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case, finish  # noqa: E402

ROWS, PARTITIONS = 300000, 300
tarn = Tarn()
data = tarn.file("rows.parquet")
made = tarn.run(f"""COPY (SELECT range AS n, CASE WHEN range % {PARTITIONS} > 0 THEN (range * 7919) % {PARTITIONS} END AS p,
                    'a text that is not short ' || range AS s, [range, range + 1] AS l FROM range({ROWS})) TO '{data}'""")
case("the data is made", made.returncode == 0, made.stderr)
FIGURES = "SELECT count(*), sum(n), sum(hash(n, p, s, l)), count(DISTINCT p), count(p) FROM"
expected = tarn.rows(f"{FIGURES} '{data}'")
case("the data is counted", expected.startswith(str(ROWS)), expected)


def write(name, sql, *options, most=PARTITIONS, spills=False, **more):
    target = tarn.file(name)
    done, figures = tarn.figures(f"COPY ({sql}) TO '{target}' (FORMAT delta, PARTITION_BY (p))", *options, **more)
    case(f"{name}: it is written", done.returncode == 0, done.stderr)
    got = tarn.rows(f"{FIGURES} '{target}'")
    case(f"{name}: all rows are there", got == expected, got)
    files = len(glob.glob(f"{target}/p=*/*.parquet"))
    case(f"{name}: {files} files", files <= most)
    if spills:
        case(f"{name}: it spilled", figures.get("spilled_bytes", 0) > 0, figures)
        case(f"{name}: within the memory", figures.get("peak_bytes", 1 << 40) <= 32e6, figures)


# Two tasks may each have begun what both have open at first.
for threads in ("1", "2", "4"):
    write(f"mixed-{threads}", f"FROM '{data}'", "--threads", threads, most=PARTITIONS + 64 * int(threads))
write("little memory", f"FROM '{data}'", "--memory", "32MB", "--threads", "2", most=PARTITIONS + 16, spills=True)
write("in order", f"SELECT * FROM '{data}' ORDER BY p, n", most=PARTITIONS + 64)
tarn.close()
finish()
