"""What does not fit the memory is spilled: same rows, within the limit, and nothing is left behind."""
import signal
import subprocess
import time

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case, skip  # noqa: E402

tarn = Tarn()
LIMIT = 64 * 1000 * 1000
wide = tarn.file("wide.parquet")
tarn.run("COPY (SELECT (range * 7919) % 3000017 AS k, range AS a, range * 3 AS b, range % 77 AS c, "
         "range / 3.0 AS d, 'some text of row ' || range AS s, 'and another text that is long ' || "
         f"(range % 1000) AS t FROM range(3000000)) TO '{wide}'")
# Order-free: each row is hashed, and the hashes are added up.
queries = {
    "GROUP BY of 5 M strings":
        "SELECT count(*), sum(hash(s) % 1000003), sum(n) FROM (SELECT s, count(*) AS n FROM "
        "(SELECT 'key ' || (range * 7919) % 5000000 AS s FROM range(5000000)) GROUP BY s)",
    "a join of two sides of 3 M rows":
        "SELECT count(*), sum(hash(a || '-' || b) % 1000003) FROM (SELECT x.range AS a, y.range * 2 "
        "AS b FROM range(3000000) x JOIN range(3000000) y ON x.range = y.range)",
    "a sort of 3 M wide rows":
        "SELECT count(*), sum(hash(concat(k, a, b, c, d, s, t)) % 1000003) FROM (SELECT * FROM "
        f"'{wide}' ORDER BY k, s LIMIT 100000000)",
    "a sort of 3 M groups":
        "SELECT count(*), sum(hash(s || n) % 1000003) FROM (SELECT s, count(*) AS n FROM "
        f"'{wide}' GROUP BY s ORDER BY n, s LIMIT 100000000)",
}
_, least = tarn.figures("SELECT 1")
startup = least["peak_rss_bytes"]
for name, sql in queries.items():
    want = tarn.rows(sql, "--memory", "8GB")
    done, figures = tarn.figures(sql, "--memory", "64MB")
    got = done.stdout.split("\n", 1)[-1]
    case(f"{name}: the same rows", got == want and want.count(",") > 0, (got, done.stderr, want))
    case(f"{name}: it spilled", figures.get("spilled_bytes", 0) > 0, figures)
    peak = figures.get("peak_rss_bytes", 1 << 62)
    case(f"{name}: {peak / 1e6:.1f} MB at most", peak <= LIMIT * 1.1 + startup, figures)
    case(f"{name}: the pools kept to the limit", figures.get("peak_bytes", 1 << 62) <= LIMIT, figures)
    case(f"{name}: nothing is left", tarn.left_over() == [], tarn.left_over())
sql = f"SELECT * FROM '{wide}' ORDER BY s, k"
for after in (0.5, 1.0, 2.0):
    victim = subprocess.Popen(tarn.words(sql, "--memory", "64MB"), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    time.sleep(after)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    case(f"killed after {after} s: nothing is left", tarn.left_over() == [], tarn.left_over())
tarn.close()
