#!/usr/bin/env python3
"""Aggregates that hold the values of a group: one group, or a few, of far more than the memory.  What is spilled grows
with the values, not with their square; what cannot be held is refused before its rows are sorted in vain."""
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
    """`values`: bytes of what the aggregate takes, its keys included."""
    got, figures = tarn.figures(sql, "--memory", f"{memory}MB", "--threads", "2")
    lines = got.stdout.strip().split("\n")[1:]
    case(f"{name}: {expected}", lines == expected.split("\n"), (got.stdout[:300], got.stderr[:300]))
    spilled = figures.get("spilled_bytes", 1 << 62)
    case(f"{name}: spills {spilled / 1e6:.0f} MB of {values / 1e6:.0f}", 0 < spilled <= times * values, figures)
    within(name, figures, memory)


def refused(name, sql, *words, spilled=200e6, memory=32):
    for _ in range(3):
        done, figures = tarn.figures(sql, "--memory", f"{memory}MB", "--threads", "2")
        case(f"{name}: refused by name", done.returncode == 75 and all(word in done.stderr for word in ("no memory for ", "--memory", *words)),
             (done.returncode, done.stdout[:100], done.stderr))
        case(f"{name}: early", figures.get("spilled_bytes", 1 << 62) <= spilled, figures)
        within(name, figures, memory)


MIX = "(range * 7368787 % 11999999)"
linear("a median of 12 M whole numbers", "SELECT median(range) FROM range(12000000)", "5999999.5", 96e6, 2)
linear("a median of 12 M numbers in no order", f"SELECT median({MIX}) FROM range(11999999)", "5999999", 96e6, 2)
linear("a median of 12 M floats", f"SELECT median({MIX} / 4.0) FROM range(11999999)", "1499999.75", 96e6, 2)
linear("quantiles, NULLs left out", f"SELECT quantile_disc(CASE WHEN range % 3 > 0 THEN {MIX} END, 0.25), count(*), mode({MIX} // 2) FROM range(11999999)",
       tarn.rows(f"SELECT quantile_disc(CASE WHEN range % 3 > 0 THEN {MIX} END, 0.25), count(*), mode({MIX} // 2) FROM range(11999999)",
                 "--memory", "4GB").strip(), 192e6, 2)
few = f"SELECT g, median(v) AS m FROM (SELECT range % 4 AS g, {MIX} AS v FROM range(11999999)) GROUP BY g ORDER BY g"
linear("medians of 4 groups of 3 M", few, tarn.rows(few, "--memory", "4GB").strip(), 192e6, 5)
uneven = f"SELECT count(*), sum(m) FROM (SELECT g, median(v) AS m FROM (SELECT CASE WHEN range % 2 = 0 THEN 0 ELSE range % 100003 END AS g, {MIX} AS v " \
         "FROM range(11999999)) GROUP BY g)"
linear("medians of one group of 6 M and 100,000 small ones", uneven, tarn.rows(uneven, "--memory", "4GB").strip(), 192e6, 5)
linear("quantiles of texts", "SELECT quantile_disc('a text of some length ' || (10000000 + range * 7 % 3000000), 0.5) FROM range(3000000)",
       "a text of some length 11499999", 3e6 * 46, 4)
linear("a sort of 12 M rows in little memory", f"SELECT count(*), sum(hash(a || '-' || b) % 1000003) FROM (SELECT {MIX} AS a, range AS b FROM range(11999999) "
       "ORDER BY a, b LIMIT 100000000)",
       tarn.rows(f"SELECT count(*), sum(hash(a || '-' || b) % 1000003) FROM (SELECT {MIX} AS a, range AS b FROM range(11999999))").strip(), 12e6 * 48, 3,
       memory=24)

refused("a text of one group", "SELECT length(string_agg('some text of ' || range, ', ')) FROM range(20000000)", "string_agg() of a group of more than ")
refused("a text of one group in order", "SELECT length(string_agg('some text of ' || range, ', ' ORDER BY range DESC)) FROM range(20000000)",
        "string_agg() of a group of more than ")
refused("a text of one of some groups", "SELECT g, length(string_agg('some text of ' || g, ', ')) FROM (SELECT range % 3 AS g FROM range(6000000)) GROUP BY g",
        "string_agg() of a group of more than ", spilled=600e6)
# 40 MB of values, and the list is held twice while it is made: no order of work lets it fit.
refused("a list of distinct values", "SELECT len(array_agg(DISTINCT range)) FROM range(5000000)", "array_agg() of a group of more than ")
refused("a list of distinct values in no order", f"SELECT len(array_agg(DISTINCT {MIX})) FROM range(5000000)", "array_agg() of a group of more than ")


def held(name, sql, expected, memory=32):
    """Tables of groups that are narrow rows take several times their bytes; who sorts them needs memory, too."""
    for _ in range(2):
        got, figures = tarn.figures(sql, "--memory", f"{memory}MB", "--threads", "2")
        case(f"{name}: {expected}", got.stdout.strip().split("\n")[1:] == [expected], (got.stdout[:300], got.stderr[:300]))
        within(name, figures, memory)


held("groups of 8.4 M numbers", "SELECT count(*) FROM (SELECT DISTINCT range FROM range(8400000))", "8400000")
held("a sort of 5 M groups", "SELECT count(*) FROM (SELECT DISTINCT range, -range AS r FROM range(5000000) ORDER BY r, range LIMIT 40000000)", "5000000")
held("medians of 5 M groups", "SELECT max(m) FROM (SELECT range, median(range) AS m FROM range(5000000) GROUP BY range)", "4999999")
held("a median of distinct values", f"SELECT median(DISTINCT {MIX}) FROM range(5000000)",
     tarn.rows(f"SELECT median(DISTINCT {MIX}) FROM range(5000000)", "--memory", "4GB").strip())
held("medians of distinct values", "SELECT sum(m), count(*) FROM (SELECT g, median(DISTINCT v) AS m FROM (SELECT range % 5 AS g, range // 2 AS v FROM range(5000000)) GROUP BY g)",
     tarn.rows("SELECT sum(m), count(*) FROM (SELECT g, median(DISTINCT v) AS m FROM (SELECT range % 5 AS g, range // 2 AS v FROM range(5000000)) GROUP BY g)",
               "--memory", "4GB").strip())
tarn.close()
