"""A limit of 32 MB is enough for what blocks, and 16 MB for sets of keys, whatever the number of threads, where the
rows go straight to the client: same rows as with plenty of memory."""
import hashlib
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402

tarn = Tarn()
data = tarn.file("rows.parquet")
made = tarn.run("COPY (SELECT range AS n, (range * 7919) % 600011 AS k, (range * 31) % 250007 AS h, 'some text of row ' || "
                f"(range * 31) % 540001 AS s FROM range(600000)) TO '{data}'")
case("the data is made", made.returncode == 0, made.stderr)
JOIN = f"SELECT {{}} FROM '{data}' a {{}} JOIN (SELECT n + 120000 AS n, s, k FROM '{data}') b ON a.k = b.n"
STATEMENTS = {
    "an inner join": JOIN.format("a.n, b.s, b.k", ""),
    "a left join": JOIN.format("a.n, b.s, b.k", "LEFT"),
    "a right join": JOIN.format("a.n, b.s, b.k", "RIGHT"),
    "a full join": JOIN.format("a.n, b.s, b.k", "FULL"),
    "a join by text": f"SELECT a.n, b.n AS m, b.s FROM '{data}' a JOIN '{data}' b ON a.s = b.s",
    "a join of few keys": f"SELECT a.n, b.n AS m FROM '{data}' a JOIN (SELECT * FROM '{data}' WHERE n < 200000) b "
                          "ON a.n % 99991 = b.n % 50021 AND a.h < 9000",
    "a semi join": f"SELECT n, s FROM '{data}' WHERE k IN (SELECT n * 2 FROM '{data}')",
    "an anti join": f"SELECT n, s FROM '{data}' a WHERE NOT EXISTS (SELECT * FROM '{data}' b WHERE b.n * 2 = a.k)",
    "groups by text": f"SELECT s, count(*) AS c, sum(n) AS t, min(k) AS k FROM '{data}' GROUP BY s",
    "groups by number": f"SELECT k, count(*) AS c, max(s) AS t FROM '{data}' GROUP BY k",
    "DISTINCT": f"SELECT DISTINCT s, h FROM '{data}'",
    "a sort": f"SELECT n, k, s FROM '{data}' ORDER BY s, n",
    "a sort of groups": f"SELECT s, count(*) AS n FROM '{data}' GROUP BY s ORDER BY n, s",
    "sets of keys": f"SELECT k % 400 AS f, h % 3 AS g, count(DISTINCT s) AS c FROM '{data}' GROUP BY ROLLUP (k % 400, h % 3)",
    "sets of many keys": f"SELECT k, h % 3 AS g, count(s) AS c, median(n) AS m FROM '{data}' GROUP BY CUBE (k, h % 3)",
}
USUAL = [("32MB", threads) for threads in ("1", "2", "7")]
FEWER = [("16MB", "2"), ("32MB", "7")]  # these take longer


def lines(sql, *options):
    process = subprocess.Popen(tarn.words(sql, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    total, count, ordered = 0, 0, hashlib.sha256()
    for line in process.stdout:
        total = (total + int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest(), "big")) % 2**64
        count += 1
        if "ORDER BY" in sql:
            ordered.update(line.encode())
    errors = process.stderr.read()
    return (count, total, ordered.hexdigest()) if process.wait() == 0 else f"exit {process.returncode}: {errors}"


for name, sql in STATEMENTS.items():
    want = lines(sql)
    case(f"{name}: {want[0]} rows", not isinstance(want, str), want)
    for limit, threads in FEWER if name.startswith("sets") else USUAL:
        got = lines(sql, "--memory", limit, "--threads", threads)
        case(f"{name}: the same in {limit} with {threads} threads", got == want, got)
# Rows of a thousand columns, and texts of which a few are all that the memory takes.
wide = tarn.file("wide.csv")
with open(wide, "w", encoding="utf-8") as out:
    out.write(",".join(f"c{i}" for i in range(1000)) + "\n")
    for row in range(3000):
        out.write(",".join(str((row * 7919 + i * 31) % 10007) for i in range(1000)) + "\n")
written = tarn.file("written")
PICK = "count(*), sum(c0), sum(c500 * c1), min(c999), max(c777)"
want = tarn.rows(f"SELECT {PICK} FROM '{wide}'")
for name, sql, reader, limit in (
        ("wide rows sorted to CSV", f"COPY (SELECT * FROM '{wide}' ORDER BY c999 DESC, c1) TO '{written}.csv'", ".csv", "24MB"),
        ("wide rows to CSV", f"COPY (SELECT * FROM '{wide}') TO '{written}.csv'", ".csv", "24MB"),
        ("wide rows to Parquet", f"COPY (SELECT * FROM '{wide}') TO '{written}.parquet'", ".parquet", "64MB"),
        ("wide rows sorted to Parquet", f"COPY (SELECT * FROM '{wide}' ORDER BY c999 DESC, c1) TO '{written}.parquet'", ".parquet", "64MB")):
    for threads in ("1", "2", "4"):
        done = tarn.run(sql, "--memory", limit, "--threads", threads)
        case(f"{name}: {limit} are enough with {threads} threads", done.returncode == 0, done.stderr)
        case(f"{name}: the same with {threads} threads", tarn.rows(f"SELECT {PICK} FROM '{written}{reader}'") == want)
done = tarn.run(f"COPY (SELECT * FROM '{wide}') TO '{written}.parquet'", "--memory", "16MB")
case("where wide rows do not fit, a figure that would do is named", done.returncode == 75 and "1000 columns" in done.stderr and
     "--memory 96MB would do" in done.stderr, done.stderr)
done = tarn.run(f"COPY (SELECT * FROM '{wide}' ORDER BY c999 DESC, c1) TO '{written}.parquet'", "--memory", "16MB")
case("the same where it is the sort that finds no memory", done.returncode in (0, 75) and
     (done.returncode == 0 or "--memory 96MB would do" in done.stderr), done.stderr)

LONG = "FROM (SELECT n, repeat('abc', 100000 + n::INT) AS x FROM range(300) r(n) ORDER BY x DESC)"
want = tarn.rows(f"SELECT count(*), sum(length(x)), sum(n) {LONG}")
for threads in ("1", "2", "4", "7"):
    got = tarn.rows(f"SELECT count(*), sum(length(x)), sum(n) {LONG}", "--memory", "16MB", "--threads", threads)
    case(f"long texts sorted in 16 MB with {threads} threads", got == want, got)
tarn.close()
