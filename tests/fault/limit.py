"""LIMIT stops reading, and where the order of the input is kept it is, for any number of threads."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case, skip  # noqa: E402

tarn = Tarn()
csv, parquet = tarn.file("big.csv"), tarn.file("big.parquet")
made = tarn.run("COPY (SELECT range AS a, (hash(range) % 1000003)::BIGINT AS h, 'some words of row ' || hash(range + 1) "
                f"|| hash(range + 2) AS s FROM range(11000000)) TO '{parquet}' (COMPRESSION none)")
case("a Parquet file is made", made.returncode == 0, made.stderr)
made = tarn.run(f"COPY (SELECT * FROM '{parquet}') TO '{csv}'")
case("a CSV file is made", made.returncode == 0, made.stderr)
for path in (csv, parquet):
    kind, size = path.rsplit(".", 1)[1], os.path.getsize(path)
    for sql in (f"SELECT * FROM '{path}' LIMIT 10", f"SELECT a + 1, s FROM '{path}' WHERE a >= 3 LIMIT 10",
                f"SELECT count(*) FROM (SELECT * FROM '{path}' LIMIT 10)"):
        done, figures = tarn.figures(sql)
        case(f"{kind} of {size >> 20} MB, {sql.replace(path, 'it')[:40]}: "
             f"{figures.get('bytes_read', 0) / 1048576:.1f} MiB read",
             done.returncode == 0 and 0 < figures.get("bytes_read", 0) <= 32 << 20,
             (done.stderr, figures))
    for sql in (f"SELECT a, s FROM '{path}' WHERE h % 1000 = 0 LIMIT 2000",
                f"SELECT a FROM '{path}' WHERE h % 50 = 0 LIMIT 1000 OFFSET 50000",
                f"SELECT * FROM (SELECT a FROM '{path}' WHERE h % 5000 = 1 UNION ALL SELECT a FROM "
                f"'{path}' WHERE h % 5000 = 2)"):
        rows = [tarn.rows(sql, "--threads", n) for n in ("1", "2", "7")]
        case(f"{kind}: the same rows in the same order for 1, 2 and 7 threads",
             rows[0] == rows[1] == rows[2] and rows[0].count("\n") > 500,
             [r[:200] for r in rows])
tarn.close()
