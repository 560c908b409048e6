"""Parquet files made byte by byte: any encoding, and statistics that say what a test wants, true or
not.  Uncompressed; one data page after another, of which the same bytes may stand many times."""
import struct

INT32, INT64, DOUBLE, BYTES = 1, 2, 5, 6
PLAIN, RLE, DELTA, DELTA_LENGTH, DELTA_BYTES, DICTIONARY, SPLIT = 0, 3, 5, 6, 7, 8, 9
NAMES = {PLAIN: "PLAIN", DELTA: "DELTA_BINARY_PACKED", DELTA_LENGTH: "DELTA_LENGTH_BYTE_ARRAY",
         DELTA_BYTES: "DELTA_BYTE_ARRAY", DICTIONARY: "RLE_DICTIONARY", SPLIT: "BYTE_STREAM_SPLIT"}
FORMATS = {INT32: "<i", INT64: "<q", DOUBLE: "<d"}


# Thrift's compact protocol: a struct is a list of (id, kind, value), in order of ids.
def varint(number):
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number):
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


KINDS = {"bool": 1, "i32": 5, "i64": 6, "bytes": 8, "list": 9, "struct": 12}


def thrift_value(kind, value):
    if kind in ("i32", "i64"):
        return zigzag(value)
    if kind == "bytes":
        return varint(len(value)) + value
    if kind == "struct":
        return thrift(value)
    inner, items = value
    head = bytes([len(items) << 4 | KINDS[inner]]) if len(items) < 15 else \
        bytes([0xf0 | KINDS[inner]]) + varint(len(items))
    if inner == "bool":
        return head + bytes(1 if item else 2 for item in items)
    return head + b"".join(thrift_value(inner, item) for item in items)


def thrift(fields):
    out, last = bytearray(), 0
    for number, kind, value in fields:
        code = (1 if value else 2) if kind == "bool" else KINDS[kind]
        out += bytes([number - last << 4 | code]) if number - last < 16 else \
            bytes([code]) + zigzag(number)
        if kind != "bool":
            out += thrift_value(kind, value)
        last = number
    return bytes(out) + b"\0"


# Encodings.
def packed(values, width):
    number, at = 0, 0
    for value in values:
        number |= value << at
        at += width
    return number.to_bytes((at + 7) // 8, "little")


FILL = 1  # groups of eight that a run of packed values is filled up to, as DuckDB does


def hybrid(values, width):
    groups = (len(values) + 7) // 8
    groups += -groups % FILL
    return varint(groups << 1 | 1) + packed(values + [0] * (groups * 8 - len(values)), width)


def delta(values):
    out = varint(128) + varint(4) + varint(len(values)) + zigzag(values[0] if values else 0)
    deltas = [b - a for a, b in zip(values, values[1:])]
    for at in range(0, len(deltas), 128):
        block = deltas[at:at + 128]
        least = min(block)
        rest = [d - least for d in block]
        minis = [rest[k:k + 32] for k in range(0, 128, 32)]
        widths = [max(mini, default=0).bit_length() for mini in minis]
        out += zigzag(least) + bytes(widths)
        for mini, width in zip(minis, widths):
            if mini:
                out += packed(mini + [0] * (32 - len(mini)), width)
    return out


def encoded(kind, values, encoding, dictionary):
    if encoding == DICTIONARY:
        width = max(1, (len(dictionary) - 1).bit_length())
        where = {value: at for at, value in enumerate(dictionary)}
        return bytes([width]) + hybrid([where[value] for value in values], width)
    if encoding == DELTA:
        return delta(values)
    if encoding == DELTA_LENGTH:
        return delta([len(value) for value in values]) + b"".join(values)
    if encoding == DELTA_BYTES:
        shared, before = [], b""
        for value in values:
            size = 0
            while size < min(len(value), len(before)) and value[size] == before[size]:
                size += 1
            shared.append(size)
            before = value
        return delta(shared) + encoded(
            kind, [value[size:] for value, size in zip(values, shared)], DELTA_LENGTH, None)
    if kind == BYTES:
        return b"".join(struct.pack("<I", len(value)) + value for value in values)
    plain = b"".join(struct.pack(FORMATS[kind], value) for value in values)
    if encoding == SPLIT:
        size = struct.calcsize(FORMATS[kind])
        return b"".join(plain[k::size] for k in range(size))
    return plain


def bound(kind, value):
    return value if kind == BYTES else struct.pack(FORMATS[kind], value)


class Column:
    """`pages`: lists of values, None for null.  `says`: statistics to write instead of the true ones,
    of min, max, nulls, distinct; what is None is left out; `exact`: the bounds are said to be values.  `page_says`: one such for each page.
    `annotation`: fields of the schema's element behind its name.  `v2`: pages of version 2."""

    def __init__(self, name, kind, pages, encoding=PLAIN, nullable=False, text=True, says=None,
                 page_says=None, annotation=(), v2=False):
        self.name, self.kind, self.pages, self.encoding = name, kind, pages, encoding
        self.nullable, self.text, self.page_says = nullable, text, page_says
        self.annotation, self.v2 = list(annotation), v2
        self.says = dict(self.truth([v for page in pages for v in page]), **(says or {}))

    def truth(self, values):
        known = [value for value in values if value is not None]
        return {"min": min(known, default=None), "max": max(known, default=None),
                "nulls": len(values) - len(known), "distinct": None}

    # What a column of lists, or of levels that lie, has otherwise.
    def values(self, page):
        return [value for value in page if value is not None]

    def rows(self, page):
        return len(page)

    def levels(self, page):
        """How many, and the repetition and definition levels as they are encoded."""
        defs = hybrid([int(value is not None) for value in page], 1) if self.nullable else None
        return len(page), None, defs

    def elements(self):
        """The schema's, the column's own first."""
        field = [(1, "i32", self.kind), (3, "i32", int(self.nullable)),
                 (4, "bytes", self.name.encode())]
        if self.kind == BYTES and self.text and not self.annotation:
            field.append((6, "i32", 0))
        return [field + self.annotation]

    def path(self):
        return [self.name.encode()]

    def page(self, page, known):
        count, reps, defs = self.levels(page)
        body = encoded(self.kind, self.values(page), self.encoding, known)
        if self.v2:
            body = (reps or b"") + (defs or b"") + body
            head = (8, "struct", [
                (1, "i32", count), (2, "i32", count - len(self.values(page))),
                (3, "i32", self.rows(page)), (4, "i32", self.encoding), (5, "i32", len(defs or b"")),
                (6, "i32", len(reps or b"")), (7, "bool", False)])
        else:
            for levels in (defs, reps):
                body = (b"" if levels is None else struct.pack("<I", len(levels)) + levels) + body
            head = (5, "struct", [(1, "i32", count), (2, "i32", self.encoding), (3, "i32", RLE),
                                  (4, "i32", RLE)])
        return thrift([(1, "i32", 3 if self.v2 else 0), (2, "i32", len(body)),
                       (3, "i32", len(body)), head]) + body

    def chunk(self, at, pages):
        """The bytes from offset `at`; the fields of its metadata; where its pages lie."""
        known = sorted({value for page in self.pages for value in self.values(page)})
        out, where, made = bytearray(), [], {}
        dictionary_at = None
        if self.encoding == DICTIONARY:
            body = encoded(self.kind, known, PLAIN, None)
            dictionary_at = at
            out += thrift([(1, "i32", 2), (2, "i32", len(body)), (3, "i32", len(body)),
                           (7, "struct", [(1, "i32", len(known)), (2, "i32", PLAIN)])]) + body
        data_at, row, count = at + len(out), 0, 0
        for page in pages:
            if id(page) not in made:
                made[id(page)] = self.page(page, known)
            where.append((at + len(out), len(made[id(page)]), row))
            out += made[id(page)]
            row += self.rows(page)
            count += self.levels(page)[0]
        statistics = []
        for number, key in ((3, "nulls"), (4, "distinct")):
            if self.says[key] is not None:
                statistics.append((number, "i64", self.says[key]))
        for number, key in ((5, "max"), (6, "min")):
            if self.says[key] is not None:
                statistics.append((number, "bytes", bound(self.kind, self.says[key])))
        if self.says.get("exact"):
            statistics += [(7, "bool", True), (8, "bool", True)]
        fields = [(1, "i32", self.kind), (2, "list", ("i32", [RLE, self.encoding])),
                  (3, "list", ("bytes", self.path())), (4, "i32", 0), (5, "i64", count),
                  (6, "i64", len(out)), (7, "i64", len(out)), (9, "i64", data_at)]
        if dictionary_at is not None:
            fields.append((11, "i64", dictionary_at))
        fields.append((12, "struct", statistics))
        return bytes(out), fields, where


def write(path, columns, repeat=1, groups=1):
    """Each group holds each column's pages `repeat` times."""
    file, row_groups, total = bytearray(b"PAR1"), [], 0
    indexes = []
    for _ in range(groups):
        chunks, start = [], len(file)
        rows = sum(columns[0].rows(page) for page in columns[0].pages) * repeat
        for column in columns:
            at = len(file)
            body, fields, where = column.chunk(at, column.pages * repeat)
            file += body
            chunks.append([(2, "i64", at), (3, "struct", fields)])
            if column.page_says is not None:
                indexes.append((chunks[-1], column, where))
        row_groups.append((chunks, len(file) - start, rows))
        total += rows
    for chunk, column, where in indexes:  # the index: what each page says, and where it lies
        said = [dict(column.truth(page), **says)
                for page, says in zip(column.pages, column.page_says)]
        index = thrift([
            (1, "list", ("bool", [False] * len(said))),
            (2, "list", ("bytes", [bound(column.kind, one["min"]) for one in said])),
            (3, "list", ("bytes", [bound(column.kind, one["max"]) for one in said])),
            (4, "i32", 0), (5, "list", ("i64", [one["nulls"] for one in said]))])
        offsets = thrift([(1, "list", ("struct", [
            [(1, "i64", at), (2, "i32", size), (3, "i64", row)] for at, size, row in where]))])
        chunk += [(4, "i64", len(file) + len(index)), (5, "i32", len(offsets)),
                  (6, "i64", len(file)), (7, "i32", len(index))]
        file += index + offsets
    schema = [[(4, "bytes", b"schema"), (5, "i32", len(columns))]]
    for column in columns:
        schema += column.elements()
    footer = thrift([
        (1, "i32", 2), (2, "list", ("struct", schema)), (3, "i64", total),
        (4, "list", ("struct", [[(1, "list", ("struct", chunks)), (2, "i64", size),
                                 (3, "i64", rows)] for chunks, size, rows in row_groups])),
        (6, "bytes", b"parquet_file.py"),
        (7, "list", ("struct", [[(1, "struct", [])] for _ in columns]))])
    file += footer + struct.pack("<I", len(footer)) + b"PAR1"
    with open(path, "wb") as out:
        out.write(file)
