#!/usr/bin/env python3
"""Has Tarn make Delta tables for others to read: OUT/NAME/table, and beside it OUT/NAME/expected.jsonl
and expected.vN.jsonl, the rows that were put in, in the canonical form of canon_rows.py.  The
expected rows come from the Arrow tables made here, never from Tarn's reader.

usage: make_tables.py TARN OUT TOOLS [NAME...]      (TOOLS: the folder of deltars_check.py)
Each table is made by `tarn table create` and `tarn table write` from Parquet files of pyarrow's.
Closes with "N passed, N failed"; needs pyarrow."""
import datetime
import decimal
import json
import pathlib
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq

UTC = datetime.timezone.utc
Dec = decimal.Decimal


def stamp(*parts):
    return datetime.datetime(*parts, tzinfo=UTC)


def rows(schema, *values):
    return pa.table([pa.array([row[i] for row in values], field.type) for i, field in enumerate(schema)],
                    schema=schema)


def fields(**types):
    return pa.schema(list(types.items()))


def ids(first, count):
    return pa.table({"id": pa.array(range(first, first + count), pa.int64()),
                     "s": pa.array([f"row {i}" for i in range(first, first + count)], pa.string())})


IDS = "id BIGINT, s VARCHAR"
SIMPLE = fields(b=pa.bool_(), i8=pa.int8(), i16=pa.int16(), i32=pa.int32(), i64=pa.int64(), f32=pa.float32(),
                f64=pa.float64(), d5=pa.decimal128(5, 2), d38=pa.decimal128(38, 10), s=pa.string(),
                bin=pa.binary(), dt=pa.date32(), ts=pa.timestamp("us", "UTC"), tn=pa.timestamp("us"))
SIMPLE_SQL = ("b BOOLEAN, i8 TINYINT, i16 SMALLINT, i32 INTEGER, i64 BIGINT, f32 FLOAT, f64 DOUBLE, "
              "d5 DECIMAL(5,2), d38 DECIMAL(38,10), s VARCHAR, bin BLOB, dt DATE, ts TIMESTAMPTZ, tn TIMESTAMP")


class Case:
    """schema, then steps: (mode, Arrow table), each a version; the log must have checkpoints of those named."""
    def __init__(self, schema, *steps, partition_by="", versions=False, properties=(), checkpoints=()):
        self.schema, self.steps, self.partition_by = schema, steps, partition_by
        self.versions, self.properties, self.checkpoints = versions, properties, checkpoints


def cases():
    yield "types", Case(SIMPLE_SQL, ("append", rows(
        SIMPLE,
        (True, 127, 32767, 2**31 - 1, 2**63 - 1, 1.5, 0.1, Dec("123.45"),
         Dec("1234567890123456789012345678.0123456789"), "plain", b"\0\xff\x10", datetime.date(2024, 2, 29),
         stamp(2024, 2, 29, 12, 34, 56, 123456), datetime.datetime(2024, 2, 29, 12, 34, 56, 123456)),
        (False, -128, -32768, -2**31, -2**63, float("nan"), float("inf"), Dec("-999.99"),
         Dec("-0.0000000001"), 'quote " \\ \t \n \u00e9\u4e2d\U0001f600', b"", datetime.date(9999, 12, 31),
         stamp(2200, 12, 31, 23, 59, 59, 999999), datetime.datetime(1, 1, 1)),
        (None,) * len(SIMPLE),
        (True, 0, 0, 0, 0, -0.0, -0.0, Dec("0.00"), Dec(0), "", b"a", datetime.date(1970, 1, 1),
         stamp(1970, 1, 1), datetime.datetime(1970, 1, 1)))))
    yield "nulls", Case(SIMPLE_SQL, ("append", rows(SIMPLE, *[(None,) * len(SIMPLE)] * 5000)))
    words = ["a", "a/b", "a b", "50%", "x=y", "", None, "é:#?", "..", "a%2Fb", "'q'", "{}[]|^~"]
    by_word = rows(fields(id=pa.int32(), p=pa.string()), *enumerate(words))
    yield "partition_values", Case("id INTEGER, p VARCHAR", ("append", by_word), partition_by="p")
    typed = fields(id=pa.int32(), pi=pa.int64(), pd=pa.decimal128(6, 2), pt=pa.timestamp("us", "UTC"),
                   pb=pa.bool_(), py=pa.date32())
    yield "partition_types", Case(
        "id INTEGER, pi BIGINT, pd DECIMAL(6,2), pt TIMESTAMPTZ, pb BOOLEAN, py DATE",
        ("append", rows(typed,
                        (1, 1, Dec("1.50"), stamp(2024, 1, 1, 10, 0, 0), True, datetime.date(2024, 1, 1)),
                        (2, -1, Dec("-0.01"), stamp(1969, 12, 31, 23, 59, 59, 500000), False, datetime.date(1900, 3, 1)),
                        (3, None, None, None, None, None))),
        partition_by="pi,pd,pt,pb,py")
    yield "four_versions", Case(IDS, *[("append", ids(i * 10, 10)) for i in range(4)], versions=True)
    yield "overwrite", Case(IDS, ("append", ids(0, 100)), ("overwrite", ids(500, 7)), ("append", ids(900, 2)),
                            versions=True)
    yield "overwrite_partitioned", Case(
        "id INTEGER, p VARCHAR", ("append", by_word), ("overwrite", by_word.slice(0, 3)),
        partition_by="p", versions=True)
    yield "checkpoint", Case(IDS, *[("append", ids(i, 1)) for i in range(8)], versions=True,
                             properties=("delta.checkpointInterval=3",), checkpoints=(3, 6))
    yield "checkpoint_by_itself", Case(IDS, *[("append", ids(i, 1)) for i in range(25)],
                                       checkpoints=(10, 20))
    yield "empty", Case(IDS)
    yield "empty_after_overwrite", Case(IDS, ("append", ids(0, 10)), ("overwrite", ids(0, 0)), versions=True)
    many = rows(fields(id=pa.int32(), p=pa.int32()), *((i, i % 1000) for i in range(3000)))
    yield "thousand_files", Case("id INTEGER, p INTEGER", ("append", many), partition_by="p")
    old = fields(id=pa.int32(), d=pa.date32(), t=pa.timestamp("us", "UTC"))
    yield "before_1970", Case("id INTEGER, d DATE, t TIMESTAMPTZ", ("append", rows(
        old, (1, datetime.date(1969, 12, 31), stamp(1969, 12, 31, 23, 59, 59, 999999)),
        (2, datetime.date(1900, 2, 28), stamp(1900, 1, 1)),
        (3, datetime.date(1582, 10, 15), stamp(1677, 9, 21, 0, 12, 43)),
        (4, datetime.date(1, 1, 1), stamp(1600, 2, 29, 1, 2, 3, 4)))))
    widths = {f"d{p}_{s}": (p, s) for p, s in ((1, 0), (4, 4), (9, 2), (10, 5), (18, 6), (19, 0), (28, 10), (38, 38))}
    exact = pa.schema([(name, pa.decimal128(*width)) for name, width in widths.items()])
    wide_enough = decimal.Context(prec=60)
    ends = [tuple(Dec(sign * (10**p - 1)).scaleb(-s, wide_enough) for p, s in widths.values())
            for sign in (1, -1, 0)]
    yield "decimals", Case(", ".join(f"{name} DECIMAL({p},{s})" for name, (p, s) in widths.items()),
                           ("append", rows(exact, *ends, (None,) * len(widths))))
    nested = fields(id=pa.int32(), a=pa.list_(pa.int32()), m=pa.map_(pa.string(), pa.int64()),
                    st=pa.struct([("x", pa.int32()), ("y", pa.string())]),
                    aa=pa.list_(pa.struct([("k", pa.string()), ("v", pa.list_(pa.float64()))])))
    yield "nested", Case(
        "id INTEGER, a INTEGER[], m MAP(VARCHAR, BIGINT), st STRUCT(x INTEGER, y VARCHAR), "
        "aa STRUCT(k VARCHAR, v DOUBLE[])[]",
        ("append", rows(nested,
                        (1, [1, None, 3], [("b", 2), ("a", None)], {"x": 1, "y": "z"}, [{"k": "q", "v": [1.5, None]}]),
                        (2, [], [], {"x": None, "y": None}, []),
                        (3, None, None, None, None),
                        (4, [None], [("", 0)], {"x": -1, "y": ""}, [None, {"k": None, "v": None}, {"k": "", "v": []}]),
                        *((i, list(range(i % 7)), [(str(i), i)], {"x": i, "y": str(i)}, [{"k": "w", "v": [i / 2]}] * (i % 3))
                          for i in range(5, 3000)))))
    text = ["", "a" * 12, "b" * 13, "é" * 40, "\u4e2d\u6587", "\U0001f600" * 9, "x" * 100_000, " lead", "trail ",
            "\r\n", "null", "NULL", "\\N", '""', "\x01\x7f", None]
    yield "text", Case("id INTEGER, s VARCHAR", ("append", rows(fields(id=pa.int32(), s=pa.string()), *enumerate(text * 30))))
    count = 300_000
    big = pa.table({"id": pa.array(range(count), pa.int64()), "g": pa.array([i % 97 for i in range(count)], pa.int32()),
                    "x": [i * 0.37 for i in range(count)], "s": [f"name {i % 5003}" for i in range(count)]})
    yield "many_rows", Case("id BIGINT, g INTEGER, x DOUBLE, s VARCHAR", ("append", big), ("append", big.slice(17, 1000)))
    wide = pa.schema([(f"c{i}", pa.int32()) for i in range(60)])
    yield "wide", Case(", ".join(f"c{i} INTEGER" for i in range(60)),
                       ("append", rows(wide, *(tuple(i * j for j in range(60)) for i in range(50)))))
    yield "not_null", Case("id BIGINT NOT NULL, s VARCHAR", ("append", pa.table(
        [pa.array([1, 2], pa.int64()), pa.array(["a", None])],
        schema=pa.schema([pa.field("id", pa.int64(), nullable=False), ("s", pa.string())]))))


class Failed(Exception):
    pass


def main():
    if len(sys.argv) < 4:
        print(__doc__)
        return 2
    tarn, out, tools = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    sys.path.insert(0, tools)
    import canon_rows
    import deltars_check

    def run(*command):
        ran = subprocess.run([tarn, *map(str, command)], capture_output=True, text=True, check=False,
                             stdin=subprocess.DEVNULL, timeout=300)
        if ran.returncode != 0:
            raise Failed(f"tarn {' '.join(map(str, command))[:300]}\n  exit {ran.returncode}: {ran.stderr.strip()[:2000]}")

    def expect(path, table, partition_by):
        """An empty string as partition value is NULL: Delta knows no difference."""
        keys = set(partition_by.split(",")) if partition_by else set()
        columns = [[None if field.name in keys and value == "" else value
                    for value in table.column(i).to_pylist()] for i, field in enumerate(table.schema)]
        lines = (canon_rows.obj((field.name, deltars_check.canon(field.type, column[row]))
                                for field, column in zip(table.schema, columns))
                 for row in range(table.num_rows))
        with open(path, "wb") as file:
            file.writelines(canon_rows.finish(lines)[0])

    def make(name, case):
        home = out / name
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        uri = home / "table"
        create = ["table", "create", uri, "--schema", case.schema]
        if case.partition_by:
            create += ["--partition-by", case.partition_by]
        for prop in case.properties:
            create += ["--property", prop]
        run(*create)
        empty = next((step[1] for step in case.steps), ids(0, 0)).slice(0, 0)
        now, version = empty, 0
        if case.versions:
            expect(home / "expected.v0.jsonl", now, case.partition_by)
        for step in case.steps:
            mode, table = step
            pq.write_table(table, home / "in.parquet")
            run("table", "write", uri, home / "in.parquet", "--mode", mode)
            now = table if mode == "overwrite" else pa.concat_tables([now, table])
            version += 1
            if case.versions:
                expect(home / f"expected.v{version}.jsonl", now, case.partition_by)
        (home / "in.parquet").unlink(missing_ok=True)
        expect(home / "expected.jsonl", now, case.partition_by)
        commits = sorted((uri / "_delta_log").glob("*.json"))
        if len(commits) != version + 1:
            raise Failed(f"{len(commits)} commits in the log, not {version + 1}")
        found = tuple(int(path.name[:20]) for path in sorted((uri / "_delta_log").glob("*.checkpoint.parquet")))
        if found != tuple(case.checkpoints):
            raise Failed(f"checkpoints of the versions {found}, not {case.checkpoints}")
        (home / "meta.json").write_text(json.dumps({"name": name, "writer": "tarn"}) + "\n")

    wanted = sys.argv[4:]
    passed = failed = 0
    for name, case in cases():
        if wanted and name not in wanted:
            continue
        try:
            make(name, case)
            passed += 1
            print(f"made      {name}", flush=True)
        except (Failed, subprocess.TimeoutExpired) as error:
            failed += 1
            shutil.rmtree(out / name, ignore_errors=True)
            print(f"FAILED    {name}: {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main())
