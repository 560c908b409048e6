"""Tables and large objects: racing writers of which some are killed, and LIMIT, which reads little of much."""
import json
import os
import random
import signal
import subprocess
import time

from support import BUCKET, SERVER, Skipped, case, check

FOLDER = os.environ.get("TARN_S3_FOLDER")  # of the bucket, where objects are files

WRITERS, APPENDS, ROWS = 8, 25, 10


@case
def eight_processes_append_and_two_are_killed(tarn):
    table = f"{tarn.home}/table"
    tarn.run("query", f"COPY (SELECT -1 AS w, -1::BIGINT AS i, -1::BIGINT AS r) TO '{table}' (FORMAT delta)")

    def script(w):
        return "; ".join(f"COPY (SELECT {w} AS w, {i}::BIGINT AS i, range AS r FROM range({ROWS})) TO '{table}' "
                         "(FORMAT delta, MODE append)" for i in range(APPENDS))

    def versions():
        names = [key.rsplit("/", 1)[-1] for key in tarn.keys("table/_delta_log/")]
        return sorted(int(name[:20]) for name in names if name.endswith(".json") and name[:20].isdigit())
    writers = [tarn.start("query", script(w), stdout=subprocess.DEVNULL) for w in range(WRITERS)]
    rng = random.Random(5)
    while len(versions()) < 20:
        time.sleep(0.01)
    killed = (2, 5)
    for w in killed:
        time.sleep(rng.random() * 0.2)
        writers[w].send_signal(signal.SIGKILL)
    for w, writer in enumerate(writers):
        _, said = writer.communicate(timeout=200)
        check(writer.returncode == (-signal.SIGKILL if w in killed else 0), "writer", w, writer.returncode, said.decode())
    have = versions()
    check(have == list(range(len(have))), "a gap:", have)
    got = [tuple(map(int, row)) for row in tarn.rows(
        f"SELECT w, i, count(*), count(DISTINCT r) FROM '{table}' WHERE w >= 0 GROUP BY w, i ORDER BY w, i")]
    check(all(n == ROWS and distinct == ROWS for _, _, n, distinct in got), "rows lost or doubled:", got)
    for w in range(WRITERS):
        mine = [i for of, i, _, _ in got if of == w]
        check(mine == list(range(len(mine))) and (w in killed or len(mine) == APPENDS), "writer", w, mine)
    check(len(have) == 1 + len(got), len(have), "versions of", len(got), "appends")


def read_by(tarn, sql):
    ran = tarn.ran("query", "--stats", "--format", "csv", "--no-header", sql)
    check(ran.returncode == 0, ran.stderr.decode())
    return len(ran.stdout.splitlines()), json.loads(ran.stderr.decode().splitlines()[-1])["bytes_read"]


def limits(tarn, name):
    size = int(tarn.run("stat", f"{tarn.home}/{name}", "--format", "csv", "--no-header").decode().split(",")[1])
    check(size >= 1_000_000_000, f"{name} has only {size} bytes")
    for sql in (f"SELECT * FROM '{tarn.home}/{name}' LIMIT 10",
                f"SELECT id, t FROM '{tarn.home}/{name}' WHERE id >= 5 LIMIT 10"):
        rows, read = read_by(tarn, sql)
        print(f"     {name}: {read / 2**20:.1f} MiB read", flush=True)
        check(rows == 10 and read <= 32 << 20, f"{rows} rows of {read / 2**20:.1f} MiB read: {sql}")
    tarn.run("rm", f"{tarn.home}/{name}")


@case
def limit_reads_little_of_a_large_csv(tarn):
    if not FOLDER:
        raise Skipped(f"{SERVER} keeps objects in memory")
    part = "".join(f"{i},some text of row {i} that is long enough to matter here,{i * 7919 % 1000003}\n"
                   for i in range(100_000)).encode()
    tarn.run("cp", "-", f"{tarn.home}/small.csv", stdin=b"id\n")  # the server makes the folder
    with open(os.path.join(FOLDER, tarn.home.removeprefix(BUCKET + "/"), "large.csv"), "wb") as out:
        out.write(b"id,t,k\n")
        for _ in range(1_000_000_000 // len(part) + 1):
            out.write(part)
    limits(tarn, "large.csv")


@case
def limit_reads_little_of_a_large_parquet(tarn):
    if not FOLDER:
        raise Skipped(f"{SERVER} keeps objects in memory")
    tarn.run("query", "--set", "codec=none", "COPY (SELECT range AS id, repeat(md5('a' || range), 32) AS t "
             f"FROM range(1000000)) TO '{tarn.home}/large.parquet'", timeout=300)
    limits(tarn, "large.parquet")


@case
def a_name_with_signs_of_a_pattern_is_a_name_where_it_is_there(tarn):
    for folder in ("a[b]c", "st*r", "wh?t", "st*r/[x]"):
        home = f"{tarn.home}/{folder}"
        tarn.run("table", "create", f"{home}/t", "--schema", "a INTEGER")
        tarn.run("table", "write", f"{home}/t", tarn.write("in.csv", "a\n2\n"))
        tarn.run("cp", tarn.file("in.csv"), f"{home}/in/1.csv")
        check(tarn.rows(f"FROM '{home}/t'") == [["2"]], folder)
        check(tarn.rows(f"FROM '{home}/in/*.csv'") == [["2"]], folder)
        check(tarn.run("ls", f"{home}/in").decode() == f"{home}/in/1.csv\n", folder)
        tarn.write(f"{folder}/pipeline.toml", f'[pipeline]\nname = "g"\n[[source]]\nid = "s"\nuri = "{home}/in/*.csv"\n'
                   f'[[sink]]\nfrom = "s"\nto = "{home}/out"\n')
        tarn.run("run", tarn.file(f"{folder}/pipeline.toml"))
        check(tarn.rows(f"FROM '{home}/out'") == [["2"]], folder)
    check(tarn.rows(f"FROM '{tarn.home}/w[h]?t/in/*.csv'") == [["2"]], "a pattern of folders")
