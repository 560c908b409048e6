"""Statistics that lie never make a wrong row, a crash or a wrong access: files whose footers and page
indexes say too little or nonsense, through every operator.  Only a filter on the lying column may
lose rows, since it may skip what the statistics exclude: one in the query, or one that a join makes of
its keys.  With ignore_statistics nothing is lost there either."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402
import parquet_file as pq  # noqa: E402

tarn = Tarn()
ROWS, PAGE = 12000, 2000
KEYS = [row * 7919 % 4001 - 1000 + (row % 97 == 0) * 3_000_000_000 for row in range(ROWS)]
SMALL = [row * 31 % 300 - 7 for row in range(ROWS)]
HOLES = [None if row % 11 == 0 else row * 13 % 700 for row in range(ROWS)]
TEXTS = [b"key %d, a text that is not short" % (row * 17 % 900) for row in range(ROWS)]
FLOATS = [row * 0.25 - 100 for row in range(ROWS)]


def pages(values):
    return [values[at:at + PAGE] for at in range(0, ROWS, PAGE)]


def write(name, says, page_says=None, encoding=pq.PLAIN):
    """A file whose columns all say `says[kind]`; the page index says it for each page."""
    path = tarn.file(name)
    columns = []
    for column, kind, values, nullable in (("k", pq.INT64, KEYS, False),
                                           ("s", pq.INT32, SMALL, False),
                                           ("h", pq.INT64, HOLES, True),
                                           ("t", pq.BYTES, TEXTS, False),
                                           ("f", pq.DOUBLE, FLOATS, False)):
        said = dict(says.get(kind, {}))
        if not nullable and says.get("only_nullable"):
            said = {}
        columns.append(pq.Column(
            column, kind, pages(values),
            encoding if encoding == pq.DICTIONARY or kind in (pq.INT32, pq.INT64) else pq.PLAIN,
            nullable, says=said,
            page_says=None if page_says is None else [page_says[kind]] * (ROWS // PAGE)))
    pq.write(path, columns, groups=2)
    return path


def numbers(low, high, text_low=b"key 5", text_high=b"key 6"):
    return {pq.INT32: {"min": low, "max": high}, pq.INT64: {"min": low, "max": high},
            pq.DOUBLE: {"min": float(low), "max": float(high)},
            pq.BYTES: {"min": text_low, "max": text_high}}


def exact(said):
    return {kind: dict(bounds, exact=True) for kind, bounds in said.items()}


def counts(**said):
    return {kind: said for kind in (pq.INT32, pq.INT64, pq.DOUBLE, pq.BYTES)}


LIES = {
    "bounds too narrow": numbers(3, 9),
    "one value": numbers(0, 0, b"a", b"a"),
    "bounds that exclude all": numbers(2_000_000, 2_000_001, b"zz", b"zzz"),
    "the lower bound above the upper": numbers(500, -500, b"z", b"a"),
    "bounds of a byte": numbers(-128, 127),
    "bounds too narrow, said to be exact": exact(numbers(3, 9)),
    "bounds too wide, said to be exact": exact(numbers(-(1 << 31), (1 << 31) - 1, b"", b"zzz")),
    "bounds that exclude all, said to be exact": exact(numbers(2_000_000, 2_000_001, b"zz", b"zzz")),
    "no row is null": counts(nulls=0),
    "all rows are null": counts(nulls=ROWS),
    "more nulls than rows": counts(nulls=1 << 40),
    "fewer nulls than none": counts(nulls=-5),
    "one distinct value": counts(distinct=1),
    "no distinct value": counts(distinct=0),
    "countless distinct values": counts(distinct=(1 << 63) - 1),
}
HASHED = "sum(hash({}) % 1000003)"
QUERIES = {
    "group by a narrow key": "SELECT count(*), sum(n), sum(s * n) FROM (SELECT s, count(*) AS n, "
                             "sum(k) AS m FROM {t} GROUP BY s)",
    "group by a wide key": "SELECT count(*), sum(n), sum(k * n), sum(m) FROM (SELECT k, count(*) AS n, "
                           "sum(s) AS m FROM {t} GROUP BY k)",
    "group by a key with nulls": "SELECT count(*), count(h), sum(n), sum(h * n) FROM (SELECT h, "
                                 "count(*) AS n FROM {t} GROUP BY h)",
    "group by two keys": "SELECT count(*), sum(n), sum(s * n), sum(h * n) FROM (SELECT s, h, count(*) AS "
                         "n FROM {t} GROUP BY s, h)",
    "group by text": "SELECT count(*), sum(n), sum(hash(t) % 1000003 * n) FROM (SELECT t, count(*) AS n "
                     "FROM {t} GROUP BY t)",
    "group by a float": "SELECT count(*), sum(f * n) FROM (SELECT f, count(*) AS n FROM {t} GROUP BY f)",
    "distinct": "SELECT count(*), sum(s), sum(h) FROM (SELECT DISTINCT s, h FROM {t})",
    "count distinct": "SELECT count(DISTINCT k), count(DISTINCT s), count(DISTINCT h), "
                      "count(DISTINCT t) FROM {t}",
    "aggregates": "SELECT count(*), count(k), count(h), sum(k), sum(s), sum(h), avg(h), sum(f), "
                  "sum(length(t)), bool_and(h IS NULL), stddev(s) FROM {t}",
    "arithmetic within the bounds": "SELECT sum(s * s * s), sum(k * 2 + s), sum(h + s), "
                                    "sum(k * 1000000), max(s + 2147483000 - 2147483000) FROM {t}",
    "sort": "SELECT " + HASHED.format("concat(n, '-', k, '-', h, '-', t)") + " FROM (SELECT k, h, t, "
            "row_number AS n FROM {t}, (SELECT 1 AS row_number) ORDER BY k, t, h LIMIT 1000000)",
    "top-n": "SELECT k, s FROM {t} ORDER BY k DESC, s LIMIT 5",
    "top-n from below": "SELECT s, k FROM {t} ORDER BY s, k LIMIT 5",
    "top-n of text": "SELECT t, k FROM {t} ORDER BY t DESC, k LIMIT 5",
    "top-n with nulls first": "SELECT h, k FROM {t} ORDER BY h NULLS FIRST, k LIMIT 3",
    "join on a narrow key": "SELECT count(*), sum(a.k), sum(b.k) FROM {t} a JOIN (SELECT s, max(k) AS k "
                            "FROM {t} GROUP BY s) b ON a.s = b.s",
    "join, the lying side built": "SELECT count(*), sum(b.k) FROM range(-10, 400) a(x) JOIN {t} b "
                                  "ON a.x = b.s",
    "join, the lying side probes": "SELECT count(*), sum(a.k) FROM {t} a JOIN range(0, 20) b(x) "
                                   "ON a.s = b.x",
    "join on a wide key": "SELECT count(*), sum(a.s) FROM {t} a JOIN {t} b ON a.k = b.k",
    "join on text": "SELECT count(*) FROM {t} a JOIN (SELECT DISTINCT t FROM {t}) b ON a.t = b.t",
    "left join": "SELECT count(*), count(b.x), sum(b.x) FROM {t} a LEFT JOIN range(0, 50) b(x) "
                 "ON a.h = b.x",
    "full join": "SELECT count(*), count(a.k), count(b.x) FROM {t} a FULL JOIN range(-20, 20) b(x) "
                 "ON a.s = b.x",
    "semi join": "SELECT count(*), sum(k) FROM {t} WHERE s IN (SELECT range FROM range(100, 200))",
    "not in": "SELECT count(*) FROM range(0, 1000) r(x) WHERE x NOT IN (SELECT s FROM {t})",
    "not in with nulls": "SELECT count(*) FROM range(0, 10) r(x) WHERE x NOT IN (SELECT h FROM {t})",
    "union, except, intersect": "SELECT count(*), sum(x) FROM (SELECT s AS x FROM {t} UNION SELECT h FROM "
                                "{t} EXCEPT SELECT 5 INTERSECT SELECT s FROM {t})",
    "case on the column": "SELECT sum(CASE WHEN k > 1000 THEN 1 WHEN k < 0 THEN 100 ELSE 10000 END), "
                          "count(CASE WHEN h IS NULL THEN 1 END) FROM {t}",
    "two copies": "WITH c AS (SELECT s, h, k FROM {t}) SELECT count(*), sum(x.k), sum(y.h) FROM c x JOIN "
                  "(SELECT s, max(h) AS h FROM c GROUP BY s) y ON x.s = y.s",
    "count shortcut": "SELECT count(*) FROM {t}",
    "min and max shortcuts": "SELECT min(k), max(k), min(s), max(s), min(h), max(h), min(f) FROM {t}",
    "min and max of text": "SELECT min(t), max(t) FROM {t}",
    "count of a column": "SELECT count(h) FROM {t}",
}
# What a filter takes from bounds is as true as they are.
FILTERS = ["SELECT count(*), sum(k) FROM {t} WHERE s = 200", "SELECT count(*) FROM {t} WHERE k > 5",
           "SELECT count(*) FROM {t} WHERE h IS NULL", "SELECT count(*) FROM {t} WHERE t >= 'key 7'",
           "SELECT s, count(*) FROM {t} WHERE s BETWEEN 100 AND 150 GROUP BY s ORDER BY 1"]


# So is what is taken from them for the keys of a join, as of a filter.
KEEPING = ["SELECT count(*), sum(a.k) FROM {t} a JOIN range(200, 210) b(x) ON a.s = b.x",
           "SELECT count(*) FROM {t} WHERE s IN (SELECT range FROM range(100, 110))",
           "SELECT count(*) FROM {t} a SEMI JOIN range(200, 210) b(x) ON a.s = b.x",
           "SELECT count(*) FROM {t} a JOIN (SELECT 'key 7' AS x) b ON starts_with(a.t, b.x)"]


# A join whose probe side's statistics exclude every key of the build side reads nothing of it.
EXCEPT = {"bounds that exclude all": {"join on a narrow key"}}


def answers(path, *options):
    """Each query in one session; an error ends it, and is told."""
    done = tarn.run("; ".join(query.format(t=f"'{path}'") for query in QUERIES.values()), *options)
    return done.returncode, done.stdout, done.stderr


def everything(table):
    """The same with the filters, and joins that keep little; without statistics all of it is right."""
    return tarn.run("; ".join(query.format(t=table) for query in [*QUERIES.values(), *FILTERS, *KEEPING]))


def compare(name, path, truth, *options):
    code, out, error = answers(path, *options)
    if code == 0 and out == truth:
        case(name, True)
        return
    for label, query in QUERIES.items():
        want = tarn.run(query.format(t=f"'{honest}'"), *options)
        got = tarn.run(query.format(t=f"'{path}'"), *options)
        if label in EXCEPT.get(name.split(", ")[0], ()):
            case(f"{name}: {label}: pruned, and no crash", got.returncode == 0, got.stderr)
            continue
        case(f"{name}: {label}", (got.returncode, got.stdout) == (0, want.stdout),
             (got.returncode, got.stderr[-300:], got.stdout[:200], want.stdout[:200]))


honest = write("honest.parquet", {})
whole = everything(f"'{honest}'")
case("the honest file answers all", whole.returncode == 0, whole.stderr)


def compare_all(name, path):
    got = everything(f"read_parquet('{path}', ignore_statistics => true)")
    case(f"{name}: all is right without statistics", (got.returncode, got.stdout) == (0, whole.stdout),
         (got.stderr, [pair for pair in zip(got.stdout.split("\n"), whole.stdout.split("\n"))
                       if pair[0] != pair[1]][:5]))


code, truth, error = answers(honest)
case("the honest file answers", code == 0 and truth.count("\n") > 60, error)
for lie, says in LIES.items():
    for encoding in (pq.PLAIN, pq.DICTIONARY):
        path = write("lie.parquet", says, encoding=encoding)
        name = f"{lie}, {pq.NAMES[encoding]}"
        compare(name, path, truth)
        compare_all(name, path)
        if encoding == pq.PLAIN:
            compare(f"{name}, 1 thread", path, truth, "--threads", "1")
        for query in FILTERS:
            done = tarn.run(query.format(t=f"'{path}'"))
            case(f"{name}: no crash in {query}", done.returncode in (0, 1) and done.returncode >= 0,
                 (done.returncode, done.stderr))
for lie, said in {"pages: bounds too narrow": numbers(3, 9), "pages: nonsense": numbers(500, -500),
                  "pages: nulls": counts(nulls=PAGE)}.items():
    path = write("lie.parquet", {}, page_says=said)
    compare(lie, path, truth)
    compare_all(lie, path)
    for query in FILTERS:
        done = tarn.run(query.format(t=f"'{path}'"))
        case(f"{lie}: no crash in {query}", done.returncode in (0, 1), (done.returncode, done.stderr))
tarn.close()
