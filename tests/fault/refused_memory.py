#!/usr/bin/env python3
"""What cannot be done within the memory is refused by name: what wanted the memory, what the limit is, how it is
raised.  Nothing crashes, hangs or takes more."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402

tarn = Tarn()
_, least = tarn.figures("SELECT 1")


def refused(name, sql, *words, memory=32):
    done, figures = tarn.figures(sql, "--memory", f"{memory}MB", "--threads", "2")
    case(f"{name}: refused", done.returncode == 75, (done.returncode, done.stdout[:100], done.stderr))
    words = ("no memory for ", f" of the {memory * 15 / 16:.1f} MB that queries may hold are in use", "--memory", *words)
    case(f"{name}: by name, with figure and remedy", all(word in done.stderr for word in words), done.stderr)
    peak = figures.get("peak_rss_bytes", 1 << 62)
    case(f"{name}: {peak / 1e6:.1f} MB at most", peak <= memory * 1.1e6 + least["peak_rss_bytes"], figures)
    case(f"{name}: nothing is left", tarn.left_over() == [], tarn.left_over())


def done_within(name, sql, expected, memory=32):
    got, figures = tarn.figures(sql, "--memory", f"{memory}MB", "--threads", "2")
    case(f"{name}: {expected}", got.stdout.strip().split("\n")[-1] == expected, (got.stdout[:200], got.stderr))
    peak = figures.get("peak_rss_bytes", 1 << 62)
    case(f"{name}: {peak / 1e6:.1f} MB at most", peak <= memory * 1.1e6 + least["peak_rss_bytes"], figures)


refused("a list of one group", "SELECT len(array_agg(range)) FROM range(6000000)", "array_agg() of a group of more than ")
refused("a list of texts", "SELECT g, len(l) FROM (SELECT range % 2 AS g, array_agg('text ' || range) AS l FROM range(3000000) GROUP BY g)",
        "array_agg() of a group of more than ")
refused("a text of one group", "SELECT length(string_agg('some text of ' || range, ', ')) FROM range(2000000)",
        "string_agg() of a group of 2000000 rows")
refused("a text in order", "SELECT length(string_agg('some text of ' || range, ', ' ORDER BY range DESC)) FROM range(2000000)",
        "string_agg() of a group of 2000000 rows")
refused("a constant text", "SELECT length(repeat('x', 40000000))", "repeat()")
refused("a long text", "SELECT length(repeat('x' || range, 20000000)) FROM range(3)", "repeat()", "step 'project'")
done_within("a median", "SELECT median(range) FROM range(3000000)", "1499999.5")
done_within("quantiles of texts", "SELECT quantile_disc('t' || (1000000 + range), 0.5) FROM range(1000000)", "t1499999")
done_within("a mode", "SELECT mode(range % 100000) FROM range(2000000)", "0")
done_within("lists that fit", "SELECT sum(len(l)) FROM (SELECT range % 30 AS g, array_agg('text' || range) AS l FROM range(1000000) GROUP BY g)",
            "1000000")
tarn.close()
