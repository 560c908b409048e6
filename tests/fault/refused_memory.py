#!/usr/bin/env python3
"""What cannot be done within the memory is refused by name: what wanted the memory, what the limit is, how it is
raised.  Nothing crashes, hangs or takes more."""
import pathlib
import re
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
        "string_agg() of a group of more than ")
refused("a text in order", "SELECT length(string_agg('some text of ' || range, ', ' ORDER BY range DESC)) FROM range(2000000)",
        "string_agg() of a group of more than ")
refused("a constant text", "SELECT length(repeat('x', 40000000))", "repeat()")
refused("a long text", "SELECT length(repeat('x' || range, 20000000)) FROM range(3)", "repeat()", "step 'project'")
done_within("a median", "SELECT median(range) FROM range(3000000)", "1499999.5")
done_within("quantiles of texts", "SELECT quantile_disc('t' || (1000000 + range), 0.5) FROM range(1000000)", "t1499999")
done_within("a mode", "SELECT mode(range % 100000) FROM range(2000000)", "0")
done_within("lists that fit", "SELECT sum(len(l)) FROM (SELECT range % 30 AS g, array_agg('text' || range) AS l FROM range(1000000) GROUP BY g)",
            "1000000")

# Row groups of many columns, whose pages are many megabytes together: read, or the figure is told that does.
columns = ", ".join(f"range * {i + 3} % 1000003 AS i{i}, sqrt(range * {i + 1}) AS d{i}, md5('{i}-' || range) AS s{i}" for i in range(40))
wide, group = tarn.file("wide.parquet"), tarn.file("group.parquet")
made = tarn.run(f"COPY (SELECT {columns} FROM range(40000)) TO '{wide}' (COMPRESSION none, ROW_GROUP_SIZE 40000); "
                f"COPY (SELECT range AS n, sqrt(range) AS a, sqrt(range + 1) AS b, sqrt(range + 2) AS c FROM range(2000000)) TO '{group}' "
                "(COMPRESSION none, ROW_GROUP_SIZE 500000)")
case("wide rows are made", made.returncode == 0, made.stderr)
sums = " + ".join(f"sum(hash(i{i}, d{i}, s{i}) % 1000003)" for i in range(40))
sql = f"SELECT count(*), {sums} FROM '{wide}'"
expected = tarn.rows(sql).strip()
done_within("120 columns", sql, expected, memory=64)
got, _ = tarn.figures(sql, "--memory", "16MB", "--threads", "2")
told = re.search(r"--memory (\d+)MB would do", got.stderr)
case("120 columns in 16 MB: refused, with the file and the memory that does", got.returncode == 75 and told is not None and wide in got.stderr,
     got.stderr)
done_within("120 columns in what was told", sql, expected, memory=int(told[1]) if told else 1)
done_within("row groups of 16 MB", f"SELECT count(*), sum(n), max(a), max(b), max(c) FROM '{group}'",
            "2000000,1999999000000,1414.2132088196602,1414.213562373095,1414.2139159264414", memory=16)
tarn.close()
