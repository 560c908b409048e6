"""SIGINT at random moments: exit 130 soon, and neither a table version nor a temporary file stays."""
import random
import signal
import subprocess
import time

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case, skip  # noqa: E402

# Seconds; 0.1 is the goal everywhere. Closing the temporary file and sorting a run still take longer.
SOON = {"spill": 0.3, "sort": 0.3}
tarn = Tarn()
data = tarn.file("data.parquet")
tarn.run("COPY (SELECT (range * 7919) % 3000017 AS k, range AS a, 'some text of row ' || range AS s "
         f"FROM range(3000000)) TO '{data}'")
tarn.run(f"COPY (SELECT * FROM '{data}') TO '{tarn.file('data.csv')}'")
table = tarn.file("table")
tarn.run(f"COPY (SELECT 1::BIGINT AS k, 1::BIGINT AS a, 'x' AS s) TO '{table}' (FORMAT delta)")
csv = tarn.file("data.csv")
statements = {
    "scan": (f"SELECT count(*), min(s), max(k + a) FROM (SELECT * FROM '{csv}' UNION ALL SELECT * "
             f"FROM '{csv}' UNION ALL SELECT * FROM '{csv}')", []),
    "join": (f"SELECT count(*), sum(x.a + y.a) FROM '{data}' x JOIN '{data}' y ON x.k = y.k JOIN "
             f"'{data}' z ON z.a = y.a", []),
    "sort": (f"SELECT count(*) FROM (SELECT * FROM '{data}' ORDER BY s, k LIMIT 100000000)", []),
    "spill": (f"SELECT s, count(*) AS n FROM '{data}' GROUP BY s ORDER BY n, s LIMIT 100000000",
              ["--memory", "64MB"]),
    "delta": (f"COPY (SELECT * FROM '{data}') TO '{table}' (FORMAT delta, MODE append)", []),
}
rng = random.Random(11)
for name, (sql, options) in statements.items():
    began = time.monotonic()
    whole = tarn.run(sql, *options)
    took = time.monotonic() - began
    if whole.returncode != 0:
        case(name, False, whole.stderr)
        continue
    slow, worst, wrong, early = 0, 0.0, [], 0
    version = len(os.listdir(os.path.join(table, "_delta_log")))
    for _ in range(20):
        victim = subprocess.Popen(tarn.words(sql, *options), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        time.sleep(0.02 + rng.random() * min(took, 3.0) * 0.8)
        early += victim.poll() is not None
        asked = time.monotonic()
        victim.send_signal(signal.SIGINT)
        try:
            _, err = victim.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            victim.kill()
            _, err = victim.communicate()
        late = time.monotonic() - asked
        slow, worst = slow + (late > SOON.get(name, 0.1)), max(worst, late)
        if victim.returncode not in (130, 0):
            wrong.append((victim.returncode, err))
        if victim.returncode == 0 and name == "delta":
            version += 1
    case(f"{name}: 130, or done before", not wrong, wrong[:2])
    case(f"{name}: within {SOON.get(name, 0.1) * 1000:.0f} ms in 19 of 20 ({slow} were not; worst {worst * 1000:.0f} ms)",
         slow <= 1, "")
    case(f"{name}: always within 500 ms", worst <= 0.5, f"{worst * 1000:.0f} ms")
    case(f"{name}: no temporary file", tarn.left_over() == [], tarn.left_over())
    now = len(os.listdir(os.path.join(table, "_delta_log")))
    case(f"{name}: no table version", now == version, (now, version))
count = tarn.rows(f"SELECT count(*) FROM '{table}'")
files = [f for f in os.listdir(table) if f.endswith(".parquet")]
named = tarn.rows(f"SELECT count(*) FROM '{table}/*.parquet'")
case("delta: no data file that no version names", count == named, (count, named, files))
tarn.close()
