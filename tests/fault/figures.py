"""The figures of --stats are what the parent process measures: memory, time, rows."""
import json
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402

tarn = Tarn()
SQL = "SELECT count(*) FROM (SELECT DISTINCT range % 4000000 AS n, 'some text of ' || range AS t FROM range(2000000))"


def measure(sql):
    """The figures of a statement, its peak and its time as this process sees them."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as err:
        # Spawned, not forked: ru_maxrss would begin with what this process holds.
        pid = os.posix_spawn(tarn.path, tarn.words(sql, "--stats"), os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_DUP2, err.fileno(), 2)])
        _, status, usage = os.wait4(pid, 0)
        wall = time.monotonic() - begun
        err.seek(0)
        text = err.read().decode()
    case("the statement runs", os.waitstatus_to_exitcode(status) == 0, text)
    return json.loads(text.strip().split("\n")[-1]), usage.ru_maxrss * 1024, wall


figures, peak, wall = measure(SQL)
case(f"peak_rss_bytes is what the parent saw, {peak}", abs(figures["peak_rss_bytes"] - peak) <= 0.02 * peak, figures)
case("peak_bytes is of that size", abs(figures["peak_bytes"] - peak) <= 0.1 * peak, figures)
case(f"seconds is what the parent saw, {wall:.2f}", abs(figures["seconds"] - wall) <= max(0.1, 0.05 * wall), figures)
case("rows_in and rows_out are true", figures["rows_in"] == 2000000 and figures["rows_out"] == 1, figures)
for name, sql in {
        "a small table": "CREATE TABLE t AS SELECT range AS a, 'some text of ' || range AS s FROM range(1500000)",
        "a table that is made": "CREATE TABLE t AS SELECT range AS a, 'some text of ' || range AS s FROM range(3000000)",
        "a text of many bytes": "SELECT length(a) FROM (SELECT repeat('x', 70000000) || range AS a FROM range(1)) ORDER BY a",
        "a text that is written": "SELECT repeat('x', 70000000) FROM range(1)",
        "a table that is sorted": "CREATE TABLE t AS SELECT (range * 7919) % 10000019 AS a FROM range(10000000) ORDER BY a",
}.items():
    figures, peak, _ = measure(sql)
    case(f"{name}: peak_bytes is of the size of {peak}", abs(figures["peak_bytes"] - peak) <= 0.1 * peak, figures)
tarn.close()
