"""Nanoseconds of Parquet with a zone, of INT96 and of times of day: a type that keeps what they mean,
exact values or an error that says how to have all digits; pruned by bounds as by values."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402
import parquet_file as pq  # noqa: E402

tarn = Tarn()
NANOS = ("struct", [(3, "struct", [])])
WHOLE = [1_700_000_000_123_456_000, -1_000, 0, 1_000]
FINE = [1_700_000_000_123_456_789, -1, 0, 1]


def write(name, values, logical, is_utc, encoding=pq.PLAIN):
    path = tarn.file(name)
    annotation = [(10, "struct", [(logical, "struct", [(1, "bool", is_utc), (2, *NANOS)])])]
    pq.write(path, [pq.Column("t", pq.INT64, [values] * 2, encoding, annotation=annotation)])
    return path


def answer(path, columns, more="", types=""):
    source = f"read_parquet('{path}'{types})"
    done = tarn.run(f"SELECT {columns} FROM {source} {more}")
    return done.stdout.split("\n", 1)[1].strip() if done.returncode == 0 else done.stderr


for encoding in (pq.PLAIN, pq.DICTIONARY, pq.DELTA):
    name = pq.NAMES[encoding]
    path = write("whole.parquet", WHOLE, 8, True, encoding)
    case(f"{name}: with a zone", answer(path, "min(t), max(t), any_value(typeof(t))") ==
         "1969-12-31 23:59:59.999999+00,2023-11-14 22:13:20.123456+00,TIMESTAMP WITH TIME ZONE",
         answer(path, "min(t), max(t), any_value(typeof(t))"))
    for where, count in (("t < TIMESTAMPTZ '1970-01-01 00:00:00+00'", 2),
                         ("t > TIMESTAMPTZ '2023-11-14 22:13:20.123456+00'", 0),
                         ("t >= TIMESTAMPTZ '2023-11-14 22:13:20.123456+00'", 2),
                         ("t = TIMESTAMPTZ '1970-01-01 00:00:00.000001+00'", 2)):
        got = answer(path, "count(*)", f"WHERE {where}")
        case(f"{name}: {where}", got == str(count), got)
    path = write("fine.parquet", FINE, 8, True, encoding)
    got = answer(path, "t")
    case(f"{name}: digits that would be lost are an error", "column 't'" in got and
         "types => {'t': 'TIMESTAMP_NS'}" in got, got)
    got = answer(path, "min(t), max(t), any_value(typeof(t))", "", ", types => {'t': 'TIMESTAMP_NS'}")
    case(f"{name}: and what it says helps",
         got == "1969-12-31 23:59:59.999999999,2023-11-14 22:13:20.123456789,TIMESTAMP_NS", got)
    got = answer(path, "count(*)", "WHERE t > TIMESTAMP_NS '1970-01-01 00:00:00.000000000'",
                 ", types => {'t': 'TIMESTAMP_NS'}")
    case(f"{name}: with bounds of all digits", got == "4", got)
    path = write("plain.parquet", FINE, 8, False, encoding)
    got = answer(path, "max(t), any_value(typeof(t))")
    case(f"{name}: without a zone", got == "2023-11-14 22:13:20.123456789,TIMESTAMP_NS", got)
    path = write("day.parquet", [0, 1_000, 86_399_999_999_000], 7, False, encoding)
    got = answer(path, "max(t), any_value(typeof(t))")
    case(f"{name}: a time of day", got == "23:59:59.999999,TIME", got)
    path = write("day.parquet", [0, 1_001], 7, False, encoding)
    got = answer(path, "t")
    case(f"{name}: one that is too fine", "types => {'t': 'BIGINT'}" in got, got)
    got = answer(path, "max(t)", "", ", types => {'t': 'BIGINT'}")
    case(f"{name}: as nanoseconds of the day", got == "1001", got)

# a Delta table keeps microseconds: lists, too, whose times have no digit behind them
for number, (value, good) in enumerate((("[t, NULL]", True), ("[t + INTERVAL 1 SECOND]", True),
                                        ("[TIMESTAMP_NS '2024-01-01 00:00:00.123456001']", False),
                                        ("[NULL::TIMESTAMP_NS]", True))):
    done = tarn.run(f"COPY (SELECT {value} AS l FROM (VALUES (TIMESTAMP_NS '2024-01-01 00:00:00.123456')) "
                    f"v(t)) TO 'lists' (FORMAT delta, MODE append)")
    case(f"a list to Delta: {value}",
         done.returncode == 0 if good else done.returncode == 1 and
         "has nanoseconds, which TIMESTAMP[] would lose" in done.stderr, done.stderr)
got = tarn.rows("SELECT typeof(l), l[1] FROM 'lists' ORDER BY 2")
case("lists in Delta", got == "TIMESTAMP[],2024-01-01 00:00:00.123456\n"
     "TIMESTAMP[],2024-01-01 00:00:01.123456\nTIMESTAMP[],\n", got)
for value in ("{'a': t}", "MAP {'k': t}", "[{'a': t}]"):
    done = tarn.run(f"COPY (SELECT {value} AS l FROM (SELECT unnest(list_append([], TIMESTAMP_NS "
                    f"'2024-01-01')) AS t) v) TO 'parts' (FORMAT delta)")
    case(f"refused by name: {value}", done.returncode == 1 and "column 'l': casting" in done.stderr and
         "hint: CAST(... AS VARCHAR)" in done.stderr and not pathlib.Path(tarn.file("parts")).exists(),
         done.stderr)

# a pipeline declares the type
path = write("fine.parquet", FINE, 8, True)
with open(tarn.file("p.toml"), "w", encoding="utf-8") as out:
    out.write('[pipeline]\nname = "x"\n[[source]]\nid = "raw"\nuri = "fine.parquet"\n'
              '[[sink]]\nfrom = "kept"\nto = "out"\n[[step]]\nid = "kept"\n'
              'sql = "SELECT CAST(t AS VARCHAR) AS t FROM raw"\n')
run = subprocess.run([tarn.path, "run", "p.toml"], cwd=tarn.folder, capture_output=True, text=True)
case("a pipeline is told how", run.returncode == 1 and 'columns = { t = "TIMESTAMP_NS" }' in run.stderr,
     run.stderr)
text = pathlib.Path(tarn.file("p.toml")).read_text(encoding="utf-8")
pathlib.Path(tarn.file("p.toml")).write_text(
    text.replace('parquet"\n', 'parquet"\ncolumns = { t = "TIMESTAMP_NS" }\n', 1), encoding="utf-8")
subprocess.run(["rm", "-rf", tarn.file("out"), tarn.file("_tarn")], check=True)
run = subprocess.run([tarn.path, "run", "p.toml"], cwd=tarn.folder, capture_output=True, text=True)
got = tarn.rows("SELECT max(t) FROM 'out'").strip()
case("and what it says helps", got == "2023-11-14 22:13:20.123456789", (run.stderr, got))
tarn.close()
