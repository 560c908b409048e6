#!/usr/bin/env python3
"""Rows cross between libtarn.so and pyarrow through the C stream interface, both ways, and are the same.

usage: tests/interop/pyarrow_check.py LIBTARN_SO      (skipped, and said so, without pyarrow)"""
import ctypes
import datetime
import decimal
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import others  # noqa: E402

others.enter()
try:
    import pyarrow as pa
except ImportError:
    print("SKIPPED: no pyarrow; scripts/setup deltars")
    sys.exit(77)

passed = failed = 0


def check(name, good, why=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f"ok   {name}" if good else f"FAIL {name}: {why}")


class Error(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("code", ctypes.c_int), ("os_errno", ctypes.c_int),
                ("flags", ctypes.c_uint32), ("span", ctypes.c_uint32 * 2), ("place", ctypes.c_int64 * 3),
                ("message", ctypes.c_char * 768), ("subject", ctypes.c_char * 256), ("hint", ctypes.c_char * 256)]


class Tarn:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.session = ctypes.c_void_p()
        self.call("tarn_session_open", ctypes.byref(self.session))

    def call(self, function, *arguments):
        error = Error(struct_size=ctypes.sizeof(Error))
        if getattr(self.library, function)(*arguments, ctypes.byref(error)) != 0:
            raise RuntimeError(error.message.decode())

    def query(self, sql):
        stream = (ctypes.c_void_p * 5)()  # struct ArrowArrayStream
        address = ctypes.addressof(stream)
        self.call("tarn_query", self.session, sql.encode(), ctypes.c_void_p(address))
        return pa.RecordBatchReader._import_from_c(address).read_all()

    def register(self, name, table, batch_rows=None):
        stream = (ctypes.c_void_p * 5)()  # struct ArrowArrayStream
        address = ctypes.addressof(stream)
        reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=batch_rows))
        reader._export_to_c(address)
        self.call("tarn_session_register", self.session, name.encode(), ctypes.c_void_p(address))

    def views(self, on):
        self.call("tarn_session_string_views", self.session, ctypes.c_bool(on))


def columns():
    """A value of every type that both sides have, with nulls among them."""
    day = datetime.date(1969, 12, 31)
    moment = datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)
    utc = moment.replace(tzinfo=datetime.timezone.utc)
    return {
        "b": pa.array([True, None, False] * 100),
        **{f"i{w}": pa.array([1, None, -5] * 100, getattr(pa, f"int{w}")()) for w in (8, 16, 32, 64)},
        **{f"u{w}": pa.array([1, None, 200] * 100, getattr(pa, f"uint{w}")()) for w in (8, 16, 32, 64)},
        "f32": pa.array([1.5, None, float("inf")] * 100, pa.float32()),
        "f64": pa.array([1.5, None, -0.25] * 100),
        "s": pa.array(["a", None, "a text longer than twelve é"] * 100),
        "z": pa.array([b"a", None, b"\x00\xff" * 20] * 100),
        "d": pa.array([day, None, datetime.date(2400, 2, 29)] * 100),
        "t": pa.array([datetime.time(1, 2, 3, 4), None, datetime.time(23, 59, 59, 999999)] * 100, pa.time64("us")),
        "ts": pa.array([moment, None, moment] * 100, pa.timestamp("us")),
        "ns": pa.array([-1000, None, 10**18] * 100, pa.timestamp("ns")),
        "tz": pa.array([utc, None, utc] * 100, pa.timestamp("us", "UTC")),
        "iv": pa.array([pa.MonthDayNano([1, 2, 3]), None, pa.MonthDayNano([-1, 0, 5])] * 100),
        "d9": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-0.01")] * 100, pa.decimal128(9, 2)),
        "d38": pa.array([decimal.Decimal(10**37), None, decimal.Decimal(-1)] * 100, pa.decimal128(38, 0)),
        "d76": pa.array([decimal.Decimal(10**60), None, decimal.Decimal(-1)] * 100, pa.decimal256(76, 0)),
        "l": pa.array([[1, None], None, []] * 100, pa.list_(pa.int64())),
        "ll": pa.array([[["x"], None], None, [[]]] * 100, pa.list_(pa.list_(pa.string()))),
        "st": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}] * 100,
                       pa.struct([("a", pa.int32()), ("b", pa.string())])),
        "m": pa.array([[("k", 1), ("l", None)], None, []] * 100, pa.map_(pa.string(), pa.int64())),
    }


def main():
    tarn = Tarn(sys.argv[1])
    given = columns()
    for name, column in given.items():
        table = pa.table({"x": column})
        for batch_rows in (None, 37):
            for views in (False, True):
                tarn.views(views)
                tarn.register("t", table, batch_rows)
                got = tarn.query("SELECT x FROM t")
                got.validate(full=True)
                got = got["x"].combine_chunks()
                same = got.to_pylist() == column.to_pylist()
                check(f"{name} comes back, batches of {batch_rows}, views {views}", same,
                      f"{got.type}: {got.to_pylist()[:3]}, not {column.to_pylist()[:3]}")
                if not views:
                    check(f"{name} keeps its type", got.type == column.type, f"{got.type}, not {column.type}")
    tarn.views(False)
    others = {
        "dictionary": (pa.array(["a", None, "b"] * 50).dictionary_encode(), ["a", None, "b"] * 50),
        "large": (pa.array(["a", None, "b"], pa.large_string()), ["a", None, "b"]),
        "view": (pa.array(["a", None, "b text of some length"], pa.string_view()), ["a", None, "b text of some length"]),
        "half": (pa.array([1.5, None], pa.float16()), [1.5, None]),
        "seconds": (pa.array([1, None], pa.timestamp("s")), [datetime.datetime(1970, 1, 1, 0, 0, 1), None]),
        "time32": (pa.array([1, None], pa.time32("ms")), [datetime.time(0, 0, 0, 1000), None]),
        "date64": (pa.array([datetime.date(2001, 1, 2), None], pa.date64()), [datetime.date(2001, 1, 2), None]),
        "fixed": (pa.array([b"ab", None], pa.binary(2)), [b"ab", None]),
        "fixed list": (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), [[1, 2], None]),
        "large list": (pa.array([[1, 2], None], pa.large_list(pa.int8())), [[1, 2], None]),
        "null": (pa.nulls(3), [None, None, None]),
    }
    for name, (column, want) in others.items():
        tarn.register("t", pa.table({"x": column}))
        got = tarn.query("SELECT x FROM t")["x"].to_pylist()
        check(f"{name} is read", got == want, f"{got}, not {want}")
    sliced = pa.table(given).slice(101, 90)
    tarn.register("t", sliced)
    got = tarn.query("SELECT * FROM t")
    check("a slice in the middle is read", got.to_pylist() == sliced.to_pylist())
    union = pa.UnionArray.from_sparse(pa.array([0, 0], pa.int8()), [pa.array([1, 2])])
    try:
        tarn.register("t", pa.table({"x": union}))
        check("a union is refused", False)
    except RuntimeError as error:
        check("a union is refused by name", "union" in str(error), str(error))
    big = tarn.query("SELECT range AS a, range::VARCHAR AS s FROM range(300000)")
    check("chunks have about 64 k rows", 60000 < max(len(c) for c in big["a"].chunks) <= 65536, str(big["a"].num_chunks))
    check("all rows are there", big["a"].to_pylist() == list(range(300000)))
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
