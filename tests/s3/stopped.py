"""Being stopped: SIGINT while a server is silent, says 503 for ever, or holds half an upload."""
import time

from support import (RESET, STALL, Proxy, case, check, cut_after, error, interrupt, stall_after)

SOON = 1.0  # seconds on a machine that others use too; the goal is 0.1
TABLE_ROWS = "COPY (SELECT range AS id, 'some text of row ' || range AS t FROM range(%d)) TO '%s' (FORMAT %s)"


def stopped(tarn, rule, wanted, *arguments, limit=SOON, code=130, before=0.0, stdin=None):
    """Starts the command, interrupts it once `wanted` was asked, and looks how it left."""
    with Proxy(rule) as proxy:
        process = tarn.through(proxy).start(*arguments, **({"stdin": stdin} if stdin else {}))
        proxy.await_request(wanted)
        time.sleep(0.1 + before)
        check(process.poll() is None, "ended before it was interrupted:", process.returncode,
              process.stderr.read() if process.poll() is not None else "")
        left, seconds, said = interrupt(process)
        check(left == code, "exit", left, "not", code, said)
        check(seconds <= limit, f"it took {seconds:.2f} s, not {limit}", said)
        return said


def stall(*kinds):
    return lambda r: STALL if r.kind in kinds else None


def is_a(*kinds):
    return lambda r: r.kind in kinds


@case
def sigint_ends_a_listing_that_is_never_answered(tarn):
    stopped(tarn, stall("list"), is_a("list"), "ls", tarn.home + "/")


@case
def sigint_ends_an_open_that_is_never_answered(tarn):
    stopped(tarn, stall("head", "get"), is_a("head"), "cat", f"{tarn.home}/a")
    stopped(tarn, stall("head", "get"), is_a("head", "get"), "query", f"SELECT * FROM '{tarn.home}/a.csv'")
    stopped(tarn, stall("head", "get", "list"), lambda r: True, "query", f"SELECT * FROM '{tarn.home}/a.parquet'")


@case
def sigint_ends_a_read_that_stopped_in_its_middle(tarn):
    tarn.run("query", TABLE_ROWS % (200_000, f"{tarn.home}/t.csv", "csv"))
    tarn.run("query", TABLE_ROWS % (200_000, f"{tarn.home}/t.parquet", "parquet"))

    def after_head(r):
        return stall_after(1000) if r.kind == "get" else None
    stopped(tarn, after_head, is_a("get"), "cat", f"{tarn.home}/t.csv")
    stopped(tarn, after_head, is_a("get"), "cp", f"{tarn.home}/t.csv", "t.csv")
    check(not tarn.file("t.csv").exists(), "half a file under its name")
    for name in ("t.csv", "t.parquet"):
        stopped(tarn, after_head, is_a("get"), "query", f"SELECT sum(id) FROM '{tarn.home}/{name}'")


@case
def sigint_ends_the_wait_between_attempts(tarn):
    def slow_down(_):
        return error(503, "SlowDown", Retry_After="30")
    for arguments in (("ls", tarn.home + "/"), ("cat", f"{tarn.home}/a"), ("rm", f"{tarn.home}/a"),
                      ("cp", "-", f"{tarn.home}/a"), ("query", f"SELECT * FROM '{tarn.home}/a.csv'"),
                      ("query", f"COPY (SELECT 1 AS a) TO '{tarn.home}/d' (FORMAT delta)")):
        stopped(tarn, slow_down, lambda r: True, *arguments, limit=SOON + 1)


@case
def sigint_ends_reading_and_writing_a_table_whose_store_falls_silent(tarn):
    table = f"{tarn.home}/table"
    tarn.run("query", TABLE_ROWS % (1000, table, "delta"))
    read = ("query", f"SELECT count(*) FROM '{table}' WHERE t > 'b'")
    stopped(tarn, lambda r: STALL if "_delta_log" in r.key or r.kind == "list" else None, lambda r: True, *read)
    stopped(tarn, lambda r: STALL if r.key.endswith(".parquet") else None,
            lambda r: r.key.endswith(".parquet"), *read)
    write = ("query", TABLE_ROWS % (1000, table, "delta, MODE append"))
    stopped(tarn, lambda r: STALL if r.kind == "put" and r.key.endswith(".parquet") else None,
            lambda r: r.kind == "put" and r.key.endswith(".parquet"), *write, limit=2.5)
    check(tarn.rows(f"SELECT count(*) FROM '{table}'") == [["1000"]], "a version came of what was stopped")


@case
def sigint_in_a_commit_says_that_nobody_knows(tarn):
    table = f"{tarn.home}/table"
    tarn.run("query", TABLE_ROWS % (10, table, "delta"))
    said = stopped(tarn, lambda r: STALL if r.kind == "put" and r.key.endswith("1.json") else None,
                   lambda r: r.kind == "put" and r.key.endswith("1.json"),
                   "query", TABLE_ROWS % (10, table, "delta, MODE append"), limit=2.5, code=75)
    check("nobody can say" in said and "tarn table history" in said, said)
    check(tarn.rows(f"SELECT count(*) FROM '{table}'") == [["10"]])


def upload(tarn, rule, wanted, **more):
    """An upload of many parts from a file."""
    if not tarn.file("large").exists():
        tarn.write("large", b"0123456789abcdef" * (40 << 16))
    return stopped(tarn, rule, wanted, "cp", "large", f"{tarn.home}/large", limit=2.5, **more)


@case
def sigint_in_an_upload_aborts_it(tarn):
    for kinds in (("part",), ("complete",)):
        said = upload(tarn, stall(*kinds), is_a(*kinds), code=130)
        check("left open" not in said or kinds == ("complete",), said)
        check(tarn.keys() == [], "something is visible")
        check(tarn.abort_uploads() == (0 if kinds == ("part",) else 1), "uploads on the server after", kinds)
    stopped(tarn, stall("part"), is_a("part"), "query",
            TABLE_ROWS % (3_000_000, f"{tarn.home}/out.csv", "csv"), limit=2.5)
    check(tarn.keys() == [] and tarn.abort_uploads() == 0, "something is left")


@case
def sigint_in_an_upload_prints_what_it_could_not_abort(tarn):
    said = upload(tarn, stall("part", "abort"), is_a("part"))
    check(f"an upload to '{tarn.home}/large' was left open" in said and "tarn rm --uploads" in said, said)
    check(tarn.keys() == [], "something is visible")
    left = tarn.run("rm", "--uploads", "--dry-run").decode()
    check(f"{tarn.home}/large" in left, left)
    said = tarn.ran("rm", "--uploads").stderr.decode()
    check(said.startswith("1 open upload aborted"), said)
    check(tarn.abort_uploads() == 0)


@case
def sigint_in_a_table_write_leaves_neither_version_nor_object(tarn):
    table = f"{tarn.home}/table"
    tarn.run("query", TABLE_ROWS % (10, table, "delta"))
    before = sorted(tarn.keys())
    for i in range(4):
        process = tarn.start("query", TABLE_ROWS % (4_000_000, table, "delta, MODE append"))
        time.sleep(0.3 + 0.25 * i)
        left, seconds, said = interrupt(process)
        if left == 0:
            break  # it was done before
        check(left == 130 and seconds <= 2.5, f"exit {left} after {seconds:.2f} s", said)
        check("left open" not in said, said)
        check(sorted(tarn.keys()) == before, "left behind:", set(tarn.keys()) - set(before))
    check(tarn.abort_uploads() == 0, "uploads on the server")


@case
def sigterm_leaves_too(tarn):
    import signal
    with Proxy(stall("part")) as proxy:
        tarn.write("large", b"x" * (20 << 20))
        process = tarn.through(proxy).start("cp", "large", f"{tarn.home}/large")
        proxy.await_request(is_a("part"))
        left, seconds, said = interrupt(process, signal.SIGTERM)
        check(left == 143 and seconds <= 2.5, left, seconds, said)
    check(tarn.abort_uploads() == 0)


@case
def a_second_sigint_does_not_wait(tarn):
    with Proxy(stall("part", "abort")) as proxy:
        tarn.write("large", b"x" * (20 << 20))
        process = tarn.through(proxy).start("cp", "large", f"{tarn.home}/large")
        proxy.await_request(is_a("part"))
        process.send_signal(2)
        time.sleep(0.3)
        left, seconds, said = interrupt(process)
        check(left == 130 and seconds <= 0.5, left, seconds, said)


@case
def sigint_ends_a_pipeline_whose_store_falls_silent(tarn):
    tarn.write("in.csv", "id\n1\n2\n")
    tarn.run("cp", "in.csv", f"{tarn.home}/landing/in.csv")
    tarn.write("p.toml", f"""[pipeline]
name = "p"
[[source]]
id = "raw"
uri = "{tarn.home}/landing/*.csv"
[[sink]]
from = "raw"
to = "{tarn.home}/lake/t"
""")
    for wanted in (is_a("list"), lambda r: r.key.endswith("in.csv"),
                   lambda r: r.kind == "put" and r.key.endswith(".parquet")):
        stopped(tarn, lambda r, w=wanted: STALL if w(r) else None, wanted, "run", "p.toml", limit=2.5)
    tarn.run("run", "p.toml")
    check(tarn.rows(f"SELECT count(*) FROM '{tarn.home}/lake/t'") == [["2"]])


@case
def a_dead_connection_is_not_waited_for(tarn):
    """No signal: resets and short bodies are mended by themselves."""
    tarn.run("query", TABLE_ROWS % (200_000, f"{tarn.home}/t.csv", "csv"))
    spoilt = []

    def rule(r):
        if r.kind == "get" and len(spoilt) < 3:
            spoilt.append(r)
            return (RESET, cut_after(5000), cut_after(100_000))[len(spoilt) - 1]
        return None
    with Proxy(rule) as proxy:
        check(tarn.through(proxy).rows(f"SELECT count(*), sum(id) FROM '{tarn.home}/t.csv'") ==
              [["200000", "19999900000"]])
