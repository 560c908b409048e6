#!/usr/bin/env python3
"""A table of many partitions is written within the memory given, with one file a partition, however the rows
come: rows whose partition is not open wait in the row store, and are spilled."""
import glob
import pathlib
import signal
import subprocess
import sys
import time

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

# Columns take memory as groups and files are opened: the more of them, the fewer are open.
WIDE = ", ".join(f"range * {k + 1} % 97 AS c{k}" for k in range(100))
DEEP = "[range, NULL] AS l, {'a': range, 'b': 'x' || (range % 9), 'c': [range]} AS r, 'a' || range AS s, range::DECIMAL(30,4) AS m"
for name, columns, memory in (("wide", WIDE, "64MB"), ("deep", DEEP, "16MB")):
    target, source = tarn.file(name), tarn.file(f"{name}.parquet")
    made = tarn.run(f"COPY (SELECT range AS n, {columns}, range % 200 AS p FROM range(600)) TO '{source}'")
    done, figures = tarn.figures(f"COPY (FROM '{source}') TO '{target}' (FORMAT delta, PARTITION_BY (p))",
                                 "--memory", memory, "--threads", "1")
    case(f"{name}: it is written within {memory}", made.returncode == 0 and done.returncode == 0, done.stderr[:200])
    got = tarn.rows(f"SELECT count(*), sum(n), count(DISTINCT p) FROM '{target}'")
    case(f"{name}: all rows are there", got.strip() == "600,179700,200", got)

# What was parked is written one part after another; SIGINT does not wait for the last.
target = pathlib.Path(tarn.file("interrupted"))
sql = f"COPY (SELECT n, n * 7919 % 20000 AS p FROM '{data}') TO '{target}' (FORMAT delta, PARTITION_BY (p))"
command = subprocess.Popen([tarn.path, *tarn.words(sql, "--threads", "1", "--stats")[1:]], stderr=subprocess.PIPE)
while command.poll() is None and len(glob.glob(f"{target}/p=*/*.parquet")) < 200:
    time.sleep(0.01)
command.send_signal(signal.SIGINT)
written = len(glob.glob(f"{target}/p=*/*.parquet"))
_, told = command.communicate(timeout=300)
case("interrupted: it ends with 130", command.returncode == 130, told)
case(f"interrupted: after {written} of 20000 files it has not gone on to the last", command.returncode == 130 and
     int(told.split(b'"bytes_written":')[1].split(b",")[0]) < 3e6, told)
case("interrupted: nothing stays", not [f for f in glob.glob(f"{target}/**", recursive=True) if pathlib.Path(f).is_file()])
case("interrupted: no temporary file stays", not tarn.left_over(), tarn.left_over())

# Rows of many columns: a group of each partition takes its part of the memory by column, and ends early.
columns = ", ".join(f"md5('{i}-' || range) AS s{i}, (range * {i * 7919}) % 1000003 AS i{i}" for i in range(1, 17))
wide, ten = tarn.file("wide.csv"), tarn.file("ten.csv")
made = tarn.run(f"COPY (SELECT range AS n, range % 12 AS few, range % 60 AS p, {columns} FROM range(60000)) TO '{wide}'; COPY (SELECT "
                "range AS n, range % 12 AS few, md5('a' || range) AS a, md5('b' || range) AS b, range / 3.0 AS c, (range * 7919) % 1000003 "
                "AS d, 'some text ' || (range % 1000) AS e, range % 3 = 0 AS f, DATE '2020-01-01' + (range % 1000)::INT AS g, range * 17 "
                f"AS h FROM range(200000)) TO '{ten}'")
case("wide rows are made", made.returncode == 0, made.stderr)
INPUTS = {
    "35 columns": (f"FROM '{wide}'", "n, few, p, s3, s16, i7", ((32, 1), (32, 2), (64, 2))),
    "lists and structs": (f"SELECT n, few, p, [s1, s2, s3] AS l, {{'a': i1, 'b': s4, 'c': [i2, i3]}} AS r, s5, n::DECIMAL(30,4) AS m "
                          f"FROM '{wide}'", "n, few, p, l, r, s5, m", ((16, 1), (32, 1), (32, 2))),
    "ten columns": (f"FROM '{ten}'", "n, few, a, b, c, d, e, f, g, h", ((16, 1), (32, 2))),
}
_, least = tarn.figures("SELECT 1")
for rows, (sql, hashed, limits) in INPUTS.items():
    FIGURES = f"SELECT count(*), sum(n), sum(hash({hashed})) FROM"
    expected = tarn.rows(f"{FIGURES} ({sql})")
    case(f"{rows}: they are counted", expected.count(",") == 2, expected)
    for form, options in {"a file": "FORMAT parquet", "a table": "FORMAT delta", "12 partitions": "FORMAT delta, PARTITION_BY (few)",
                          "60 partitions": "FORMAT delta, PARTITION_BY (p)"}.items():
        for memory, threads in () if form == "60 partitions" and rows == "ten columns" else limits:
            name = f"{rows} into {form} in {memory} MB by {threads}"
            target = tarn.file(name.replace(" ", "-"))
            done, figures = tarn.figures(f"COPY ({sql}) TO '{target}' ({options})", "--memory", f"{memory}MB", "--threads", str(threads))
            case(f"{name}: written", done.returncode == 0, done.stderr)
            got = tarn.rows(f"{FIGURES} " + (f"read_parquet('{target}')" if form == "a file" else f"'{target}'"))
            case(f"{name}: all are there", got == expected, got)
            peak = figures.get("peak_rss_bytes", 1 << 62)
            case(f"{name}: {peak / 1e6:.1f} MB at most", peak <= memory * 1.1e6 + least["peak_rss_bytes"], figures)
tarn.close()
