"""What is measured: the rows of the result, each one statement over the tables of data.py.

A query is text that all engines understand.  `table` rows are timed until the answer is there, `sort`
until all of it lies in memory, `job` until the files are written (and read back, untimed, to compare).
Rows of one thread run pinned to one core.  A row's `of` names the row that it repeats with more threads."""

MICRO_ROWS = 20_000_000


class Row:
    def __init__(self, name, sql, kind="table", threads=1, tables=("t",), rows=MICRO_ROWS, engines=None, of=None):
        self.name, self.sql, self.kind, self.threads = name, sql, kind, threads
        self.tables, self.rows, self.of = tables, rows, of
        self.engines = engines or ("tarn", "duckdb", "polars")
        self.is_design = kind in ("table", "sort") and threads == 1  # of the first table of the design


Q1 = """SELECT flag, status, sum(quantity) AS quantity, sum(price) AS base,
    sum(price * (1 - discount)) AS discounted, sum(price * (1 - discount) * (1 + tax)) AS charge,
    avg(quantity) AS a, avg(price) AS b, avg(discount) AS c, count(*) AS n
    FROM t WHERE shipped <= DATE '1998-09-02' GROUP BY flag, status ORDER BY flag, status"""
SCAN = "SELECT " + ", ".join(
    [f"sum(l_{c})" for c in "orderkey partkey suppkey linenumber quantity extendedprice discount tax".split()]
    + [f"sum(length(l_{c}))" for c in "returnflag linestatus shipinstruct shipmode comment".split()]
    + [f"max(l_{c})" for c in "shipdate commitdate receiptdate".split()]) + " FROM {} WHERE l_quantity >= 0"

# Every value is parsed to its type; hardly anything is done with it.
PARSE = "SELECT " + ", ".join(
    [f"max(l_{c})" for c in ("orderkey partkey suppkey linenumber quantity extendedprice discount tax "
                             "shipdate commitdate receiptdate").split()]
    + [f"count(l_{c})" for c in "returnflag linestatus shipinstruct shipmode comment".split()]) + " FROM csv"

ROWS = [
    Row("sum f64", "SELECT sum(x) FROM t"),
    Row("filter → selection", "SELECT count(*) FROM t WHERE x > 50"),
    Row("TPC-H Q6-like", "SELECT sum(price * discount) FROM t WHERE shipped >= DATE '1994-01-01' "
        "AND shipped < DATE '1995-01-01' AND discount BETWEEN 0.05 AND 0.07 AND quantity < 24"),
    Row("TPC-H Q1-like", Q1),
    Row("group by 100 ints", "SELECT g100, sum(i) AS s, count(*) AS n FROM t GROUP BY g100 ORDER BY g100"),
    Row("group by 2 M ints", "SELECT count(*), sum(s), max(n) FROM "
        "(SELECT g2m, sum(i) AS s, count(*) AS n FROM t GROUP BY g2m) AS q"),
    Row("group by 1 M strings", "SELECT count(*), sum(s), max(n) FROM "
        "(SELECT s1m, sum(i) AS s, count(*) AS n FROM t GROUP BY s1m) AS q"),
    Row("join, 100 k dense build", "SELECT count(*), sum(d.v) FROM t JOIN dense AS d ON t.k100k = d.k",
        tables=("t", "dense")),
    Row("join, 5 M random build", "SELECT count(*), sum(d.v) FROM t JOIN sparse AS d ON t.k5m = d.k",
        tables=("t", "sparse")),
    Row("sort 20 M i64", "SELECT r FROM t ORDER BY r", kind="sort"),
    Row("LIKE '%a%b%'", "SELECT count(*) FROM t WHERE words LIKE '%special%requests%'"),
    Row("TPC-H Q1-like, 2 threads", Q1, threads=2, of="TPC-H Q1-like"),
    Row("Parquet scan, plain, 16 columns x 3 M", SCAN.format("lineitem_plain"), threads=2,
        tables=("lineitem_plain",), rows=3_000_000),
    Row("Parquet scan, snappy, 16 columns x 3 M", SCAN.format("lineitem_snappy"), threads=2,
        tables=("lineitem_snappy",), rows=3_000_000),
    Row("CSV typed parse, 1 thread", PARSE, kind="parse", tables=("csv",)),
    Row("CSV → Parquet, 1 thread", "parquet", kind="job", threads=1, tables=("csv",)),
    Row("CSV → Parquet", "parquet", kind="job", threads=2, tables=("csv",), of="CSV → Parquet, 1 thread"),
    Row("CSV → Delta", "delta", kind="job", threads=2, tables=("csv",), engines=("tarn", "polars", "datafusion")),
    Row("start to first answer", "SELECT 1", kind="start", tables=()),
    Row("size of the program", "", kind="size", tables=()),
]
