"""SIGINT at random moments: exit 130 soon, and neither a table version nor a temporary file stays.

How soon is asked of the engine, not of the machine's other work: moments are chosen by the processor
time the command has used, and a delay is divided by how long its threads waited for a processor for
each second they had one.  What it computed after the signal is measured, too, and needs no such care.
"""
import os
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402

TIMES = 20
tarn = Tarn()
SANITIZED = "asan" in tarn.path or "tsan" in tarn.path
SOON, LATE = (1.0, 1.0) if SANITIZED else (0.1, 0.5)


def threads(pid):
    """(seconds on a processor, seconds spent waiting for one), of all threads that live."""
    ran = waited = 0
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                each = file.read().split()
            ran, waited = ran + int(each[0]), waited + int(each[1])
    except (OSError, IndexError):
        pass  # it has just ended, or the kernel keeps no such figures
    return ran / 1e9, waited / 1e9


def has_ended(pid):
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


class Ended:
    """The command run to its end; with `after`, signalled once it has used so many seconds."""

    def __init__(self, sql, options, after=None, number=signal.SIGINT):
        with tempfile.TemporaryFile() as err:
            pid = os.posix_spawn(tarn.path, tarn.words(sql, *options), os.environ, file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, err.fileno(), 2)])
            watch = threading.Timer(120, os.kill, (pid, signal.SIGKILL))
            watch.start()
            while after is not None and threads(pid)[0] < after and not has_ended(pid):
                time.sleep(0.001)
            ran, waited = threads(pid)
            begun = time.monotonic()
            self.early = has_ended(pid)
            if after is not None and not self.early:
                os.kill(pid, number)
            _, status, usage = os.wait4(pid, 0)  # blocks: polling would add its own steps
            self.wall = time.monotonic() - begun
            watch.cancel()
            err.seek(0)
            self.text = err.read().decode()
        self.code = os.waitstatus_to_exitcode(status)
        self.used = usage.ru_utime + usage.ru_stime
        self.used_after = self.used - ran
        self.late = self.wall / ((ran + waited) / ran if ran > 0.01 else 1.0)


def interrupt(name, sql, options, whole, rng):
    """What went wrong: answers (wrong ends, how many rather late, the latest, most computed)."""
    ends, used = [], whole.used
    while sum(not e.early for e in ends) < TIMES and len(ends) < 3 * TIMES:
        ends.append(Ended(sql, options, 0.01 + rng.random() * 0.85 * used))
        if ends[-1].early:  # this run needed less than the one that was measured
            used = min(used, ends[-1].used)
    late = sorted((e.late for e in ends if not e.early), reverse=True)
    busy = sorted((e.used_after for e in ends if not e.early), reverse=True)
    print(f"     {name}: {len(late)} interrupted, after {[round(1000 * s) for s in late[:4]]} ms, having computed "
          f"{[round(1000 * s) for s in busy[:4]]} ms; wall {1000 * max(e.wall for e in ends):.0f} ms; "
          f"load {os.getloadavg()[0]:.1f}", flush=True)
    return ends, late, busy


def is_soon(late, busy):
    return (len(late) >= TIMES // 2 and sum(s > SOON for s in late) <= 1 and late[0] <= LATE
            and sum(s > SOON for s in busy) <= 1)


data = tarn.file("data.parquet")
tarn.run("COPY (SELECT (range * 7919) % 2000003 AS k, range AS a, 'some text of row ' || range AS s "
         f"FROM range(2000000)) TO '{data}'")
csv = tarn.file("data.csv")
tarn.run(f"COPY (SELECT * FROM '{data}') TO '{csv}'")
table = tarn.file("table")
tarn.run(f"COPY (SELECT 1::BIGINT AS k, 1::BIGINT AS a, 'x' AS s) TO '{table}' (FORMAT delta)")
statements = {
    "scan": (f"SELECT count(*), min(s), max(k + a) FROM (SELECT * FROM '{csv}' UNION ALL SELECT * "
             f"FROM '{csv}' UNION ALL SELECT * FROM '{csv}')", []),
    "join": (f"SELECT count(*), sum(x.a + y.a) FROM '{data}' x JOIN '{data}' y ON x.k = y.k JOIN "
             f"'{data}' z ON z.a = y.a", []),
    "sort": (f"SELECT count(*) FROM (SELECT * FROM '{data}' ORDER BY s, k LIMIT 100000000)", []),
    "spill": (f"SELECT s, count(*) AS n FROM '{data}' GROUP BY s ORDER BY n, s LIMIT 100000000",
              ["--memory", "64MB"]),
    "one group": (f"SELECT median(a * 7 % 4000037), mode(k) FROM '{data}'", ["--memory", "64MB"]),
    "few groups": (f"SELECT a % 3 AS g, median(k), length(string_agg(s, '' ORDER BY k)) FROM '{data}' "
                   "GROUP BY g", ["--memory", "512MB"]),
    "delta": (f"COPY (SELECT * FROM '{data}') TO '{table}' (FORMAT delta, MODE append)", []),
}
rng = random.Random(11)


def versions():
    return len(os.listdir(os.path.join(table, "_delta_log")))


for name, (sql, options) in statements.items():
    whole = Ended(sql, options)
    if not case(f"{name}: it runs", whole.code == 0, whole.text):
        continue
    version = versions()
    ends, late, busy = interrupt(name, sql, options, whole, rng)
    if not is_soon(late, busy) and os.getloadavg()[0] > os.cpu_count():
        print(f"     {name}: once more, since others work here, too", flush=True)
        more, late, busy = interrupt(name, sql, options, whole, rng)
        ends += more
    wrong = [(e.code, e.text) for e in ends if e.code not in (130, 0)]
    case(f"{name}: 130, or done before", not wrong, wrong[:2])
    case(f"{name}: interrupted in mid-work", len(late) >= TIMES // 2, len(late))
    case(f"{name}: within {SOON * 1000:.0f} ms in 19 of 20", sum(s > SOON for s in late) <= 1, late[:3])
    case(f"{name}: always within {LATE * 1000:.0f} ms", not late or late[0] <= LATE, late[:3])
    case(f"{name}: no long computation afterwards", sum(s > SOON for s in busy) <= 1, busy[:3])
    case(f"{name}: no temporary file", tarn.left_over() == [], tarn.left_over())
    done = sum(e.code == 0 for e in ends) if name == "delta" else 0
    case(f"{name}: no table version", versions() == version + done, (versions(), version, done))
# Pairs of which the condition lets none pass: nothing but the flag ends these before the next day.
for kind in ("INNER", "LEFT", "FULL", "SEMI"):
    for workers in ("1", "2"):
        end = Ended(f"SELECT count(*) FROM range(1000000) a(r) {kind} JOIN range(1000000) b(q) ON a.r * b.q = -1",
                    ["--threads", workers], 0.4)
        case(f"a {kind} join without keys, {workers} threads: stopped soon",
             end.code == 130 and not end.early and end.late < LATE, (end.code, end.late))
count = tarn.rows(f"SELECT count(*) FROM '{table}'")
files = [f for f in os.listdir(table) if f.endswith(".parquet")]
named = tarn.rows(f"SELECT count(*) FROM '{table}/*.parquet'")
case("delta: no data file that no version names", count == named, (count, named, files))
for target, options in (("out.parquet", ""), ("fresh", " (FORMAT delta)")):
    end = Ended(f"COPY (SELECT range AS n FROM range(10000000000)) TO '{tarn.file(target)}'{options}", [], 0.5,
                signal.SIGTERM)
    case(f"{target}: SIGTERM ends it with 143", end.code == 143, (end.code, end.text))
    left = [str(p) for p in pathlib.Path(tarn.folder).glob(f"{target}/**/*") if p.is_file()]
    case(f"{target}: nothing is left", not left and not os.path.isfile(tarn.file(target)), left)
tarn.close()
