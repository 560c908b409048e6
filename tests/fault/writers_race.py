"""Eight processes append to one Delta table at once, two of them are killed: no row is lost or doubled."""
import random
import signal
import subprocess
import time

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import others  # noqa: E402
from fault import Tarn, case, skip  # noqa: E402

others.enter()
tarn = Tarn()
table = tarn.file("table")
WRITERS, APPENDS, ROWS = 8, 25, 10
tarn.run(f"COPY (SELECT -1 AS w, -1::BIGINT AS i, -1::BIGINT AS r) TO '{table}' (FORMAT delta)")


def script(w):
    """A process that appends 25 times; each line it prints is a commit that it was told of."""
    return "; ".join(f"COPY (SELECT {w} AS w, {i}::BIGINT AS i, range AS r FROM range({ROWS})) TO "
                     f"'{table}' (FORMAT delta, MODE append)" for i in range(APPENDS))


writers = []
for w in range(WRITERS):
    out = open(tarn.file(f"out.{w}"), "w")
    writers.append(subprocess.Popen(tarn.words(script(w)), stdout=out, stderr=subprocess.STDOUT))
rng = random.Random(5)
while len(os.listdir(os.path.join(table, "_delta_log"))) < 20:
    time.sleep(0.005)
killed = (2, 5)
for w in killed:
    time.sleep(rng.random() * 0.2)
    writers[w].send_signal(signal.SIGKILL)
codes = [w.wait() for w in writers]
for w in range(WRITERS):
    if w not in killed:
        case(f"writer {w} ended well", codes[w] == 0, open(tarn.file(f"out.{w}")).read()[-400:])
versions = sorted(int(name[:20]) for name in os.listdir(os.path.join(table, "_delta_log"))
                  if name.endswith(".json") and name[:20].isdigit())
case(f"{len(versions)} versions without a gap", versions == list(range(len(versions))), versions)
case("nothing half-written in the log",
     all(n.endswith((".json", ".parquet", "_last_checkpoint"))
         for n in os.listdir(os.path.join(table, "_delta_log"))), "")
got = tarn.rows(f"SELECT w, i, count(*), count(DISTINCT r) FROM '{table}' WHERE w >= 0 GROUP BY w, i "
                "ORDER BY w, i").split()
seen = {}
for line in got:
    w, i, n, distinct = map(int, line.split(","))
    case_ok = n == ROWS and distinct == ROWS
    if not case_ok:
        case(f"append {i} of writer {w} is whole", False, line)
    seen.setdefault(w, []).append(i)
for w in range(WRITERS):
    whole = seen.get(w, []) == list(range(len(seen.get(w, []))))
    case(f"writer {w}: {len(seen.get(w, []))} appends, each once",
         whole and (w in killed or len(seen.get(w, [])) == APPENDS), seen.get(w))
case("as many versions as appends", len(versions) == 1 + len(got), (len(versions), len(got)))
try:
    theirs = others.duckdb_with_delta()
except ImportError as missing:
    skip("DuckDB", f"{missing}; scripts/setup deltars")
else:
    counted = theirs.sql(f"SELECT count(*) FROM delta_scan('{table}')").fetchone()[0]
    case("DuckDB counts the same", counted == 1 + ROWS * len(got), counted)
tarn.close()
