#!/usr/bin/env python3
"""What sorts far more than the memory: what is spilled grows with the rows, not with their square."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402

tarn = Tarn()
_, least = tarn.figures("SELECT 1")


def within(name, figures, memory):
    peak = figures.get("peak_rss_bytes", 1 << 62)
    case(f"{name}: {peak / 1e6:.1f} MB at most", peak <= memory * 1.1e6 + least["peak_rss_bytes"], figures)
    case(f"{name}: nothing is left", tarn.left_over() == [], tarn.left_over())


def linear(name, sql, expected, values, times, memory=64):
    """`values`: bytes of what is sorted, keys included."""
    got, figures = tarn.figures(sql, "--memory", f"{memory}MB", "--threads", "2")
    lines = got.stdout.strip().split("\n")[1:]
    case(f"{name}: {expected}", lines == expected.split("\n"), (got.stdout[:300], got.stderr[:300]))
    spilled = figures.get("spilled_bytes", 1 << 62)
    case(f"{name}: spills {spilled / 1e6:.0f} MB of {values / 1e6:.0f}", 0 < spilled <= times * values, figures)
    within(name, figures, memory)


MIX = "(range * 7368787 % 11999999)"
linear("a sort of 12 M rows in little memory", f"SELECT count(*), sum(hash(a || '-' || b) % 1000003) FROM (SELECT {MIX} AS a, range AS b FROM range(11999999) "
       "ORDER BY a, b LIMIT 100000000)",
       tarn.rows(f"SELECT count(*), sum(hash(a || '-' || b) % 1000003) FROM (SELECT {MIX} AS a, range AS b FROM range(11999999))").strip(), 12e6 * 48, 3,
       memory=24)
tarn.close()
