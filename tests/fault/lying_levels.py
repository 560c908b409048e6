"""Parquet pages whose levels do not fit their values, or one another: an error that names file and
column; never NULLs and lists that nobody wrote.  What some writers leave behind levels and values is
read like any other page."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402
import parquet_file as pq  # noqa: E402

tarn = Tarn()
ROWS = 100
NULLS = {3, 4, 50, 97}


class Flat(pq.Column):
    """`change`: of the definition levels' bytes; `behind`: what stands behind the values;
    `short`: so many rows fewer are those of the row group."""

    def __init__(self, kind, values, encoding, v2, change=lambda levels: levels, behind=b"", short=0):
        super().__init__("v", kind, [values], encoding, True, v2=v2, says={"min": None, "max": None})
        self.change, self.behind, self.short = change, behind, short

    def rows(self, page):
        return len(page) - self.short

    def levels(self, page):
        count, reps, defs = super().levels(page)
        return count, reps, self.change(defs)

    def page(self, page, known):
        behind, self.behind = self.behind, b""
        whole = pq.encoded
        pq.encoded = lambda *all: whole(*all) + behind
        try:
            return super().page(page, known)
        finally:
            pq.encoded, self.behind = whole, behind


class Lists(pq.Column):
    """Pages are (repetition levels, definition levels, values) of an optional list of optional
    INTEGERs: NULL 0, empty 1, an element NULL 2, an element 3."""

    def __init__(self, pages, v2, encoding=pq.PLAIN, cut=0):
        self.cut = cut
        super().__init__("l", pq.INT32, pages, encoding, True, v2=v2, says={"nulls": None})

    def truth(self, values):
        return {"min": None, "max": None, "nulls": None, "distinct": None}

    def values(self, page):
        return page[2]

    def rows(self, page):
        return page[0].count(0)

    def levels(self, page):
        defs = pq.hybrid(page[1], 2)
        return len(page[0]), pq.hybrid(page[0], 1), defs[:len(defs) - self.cut]

    def elements(self):
        return [[(3, "i32", 1), (4, "bytes", b"l"), (5, "i32", 1), (6, "i32", 3)],
                [(3, "i32", 2), (4, "bytes", b"list"), (5, "i32", 1)],
                [(1, "i32", pq.INT32), (3, "i32", 1), (4, "bytes", b"element")]]

    def path(self):
        return [b"l", b"list", b"element"]


def refused(label, column, says):
    path = tarn.file("damaged.parquet")
    pq.write(path, [column])
    for query in (f"SELECT count({column.name}) FROM '{path}'", f"SELECT * FROM '{path}'"):
        got = tarn.run(query)
        case(f"{label}: an error",
             got.returncode == 1 and f"column '{column.name}" in got.stderr and
             "damaged.parquet" in got.stderr and says in got.stderr and
             "write or copy it again" in got.stderr, (query, got.stdout[-80:], got.stderr))


def read(label, column, want):
    path = tarn.file("good.parquet")
    pq.write(path, [column])
    got = tarn.rows(f"SELECT coalesce({column.name}::VARCHAR, '-') FROM '{path}'")
    got = got.replace('"', "").split("\n")[:-1]
    case(f"{label}: is read", got == want, (got, want))


def flip(row):
    """The level of one row in a stream of one packed group whose head takes one byte."""
    return lambda levels: levels[:1 + row // 8] + bytes([levels[1 + row // 8] ^ 1 << row % 8]) + \
        levels[2 + row // 8:]


whole = [None if i in NULLS else i * 7 for i in range(ROWS)]
texts = [None if value is None else b"text %d" % value for value in whole]
for kind, values, encodings in (
        (pq.INT64, whole, (pq.PLAIN, pq.DICTIONARY, pq.DELTA, pq.SPLIT)),
        (pq.INT32, whole, (pq.PLAIN, pq.DICTIONARY, pq.DELTA, pq.SPLIT)),
        (pq.BYTES, texts, (pq.PLAIN, pq.DICTIONARY, pq.DELTA_LENGTH, pq.DELTA_BYTES))):
    want = ["-" if value is None else value.decode() if kind == pq.BYTES else str(value)
            for value in values]
    for encoding in encodings:
        for v2 in (False, True):
            label = f"{pq.NAMES[encoding]} of {kind}, pages of version {1 + v2}"
            groups = (ROWS + 7) // 8
            read(label, Flat(kind, values, encoding, v2), want)
            read(f"{label}, levels that go on", Flat(
                kind, values, encoding, v2, lambda levels: pq.varint(40 << 1 | 1) + levels[1:] +
                bytes(40 - groups)), want)
            if encoding in (pq.PLAIN, pq.DICTIONARY):
                read(f"{label}, padded", Flat(kind, values, encoding, v2, behind=bytes(8)), want)
            more = "its head says 4" if v2 else "a page has more values than its levels ask for"
            if encoding == pq.DICTIONARY:
                pq.FILL = 8
                read(f"{label}, filled up as DuckDB does", Flat(kind, values, encoding, v2), want)
                pq.FILL = 1
            if v2 or encoding != pq.DICTIONARY:  # whose last run may hold codes that nobody asks for
                refused(f"{label}, a NULL too many", Flat(kind, values, encoding, v2, flip(20)), more)
                refused(f"{label}, a group of NULLs too many", Flat(
                    kind, values, encoding, v2, lambda levels: levels[:4] + b"\0" + levels[5:]), more)
            if encoding != pq.DICTIONARY:
                refused(f"{label}, a NULL too few", Flat(kind, values, encoding, v2, flip(3)),
                        "early")
            refused(f"{label}, levels cut", Flat(kind, values, encoding, v2,
                                                 lambda levels: levels[:-3]), "ends early")
            refused(f"{label}, levels that claim more bytes than there are", Flat(
                kind, values, encoding, v2,
                lambda levels: pq.varint(groups + 20 << 1 | 1) + levels[1:]), "ends early")
            refused(f"{label}, no levels", Flat(kind, values, encoding, v2, lambda levels: b""),
                    "ends early")
            refused(f"{label}, a level of 2", Flat(
                kind, values, encoding, v2, lambda levels: pq.varint(ROWS << 1) + b"\2"),
                "takes more than 1 bits")
            refused(f"{label}, more rows than the group", Flat(kind, values, encoding, v2, short=1),
                    "the chunk has more rows than its row group")

# [1, 2], NULL, [], [NULL, 3], [4]
reps, defs = [0, 1, 0, 0, 0, 1, 0], [3, 3, 0, 1, 2, 3, 3]
lists = ["[1,2]", "-", "[]", "[null,3]", "[4]"]
for v2 in (False, True):
    for encoding in (pq.PLAIN, pq.DICTIONARY, pq.DELTA):
        label = f"lists, {pq.NAMES[encoding]}, pages of version {1 + v2}"
        split = [(reps[:4], defs[:4], [1, 2]), (reps[4:], defs[4:], [3, 4])]
        read(label, Lists([(reps, defs, [1, 2, 3, 4])], v2, encoding), lists)
        read(f"{label}, two pages", Lists(split, v2, encoding), lists)
        # The last group of eight may lack its last bytes, where no level stands in them.
        read(f"{label}, a short last group", Lists([([0] * 9, [3] * 9, list(range(9)))], v2, encoding,
                                                   cut=1), [f"[{i}]" for i in range(9)])
        for name, at, rep, definition in (("a NULL", 2, 1, 0), ("a list that goes on behind a NULL", 3, 1, 3),
                                          ("an empty list", 3, 1, 1),
                                          ("a list that goes on behind an empty one", 4, 1, 2)):
            bad_reps, bad_defs = list(reps), list(defs)
            bad_reps[at], bad_defs[at] = rep, definition
            numbers = list(range(bad_defs.count(3)))
            refused(f"{label}, {name} in the middle of a list",
                    Lists([(bad_reps, bad_defs, numbers)], v2, encoding),
                    "the levels of a page continue a list that is empty or NULL")
        page = ([0, 0], [3, 0], [1])
        refused(f"{label}, a list that goes on in the page behind a NULL",
                Lists([page, ([1, 0], [3, 3], [2, 3])], v2, encoding),
                "the levels of a page continue a list that is empty or NULL")
        if not v2 and encoding != pq.DICTIONARY:
            refused(f"{label}, a value too many",
                    Lists([(reps, defs, [1, 2, 3, 4] + [9] * 8)], v2, encoding),
                    "a page has more values than its levels ask for")
refused("lists, the first of which goes on", Lists([([1, 0], [3, 3], [1, 2])], False),
        "the first value continues a row before it")
tarn.close()
