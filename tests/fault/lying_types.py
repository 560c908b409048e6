"""Parquet values that their column's type cannot hold: an error that names file and column, whatever
the encoding; never another value, and never one that arithmetic trusts to be smaller."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402
import parquet_file as pq  # noqa: E402

tarn = Tarn()
DECIMAL, UINT_8, UINT_16, INT_8, INT_16 = 5, 11, 12, 15, 16


def whole(converted):
    return [(6, "i32", converted)]


def decimal(precision, scale=0):
    return [(6, "i32", DECIMAL), (7, "i32", scale), (8, "i32", precision)]


def big(number):
    """The shortest big-endian two's complement, as decimals lie in byte arrays."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)


def written(number, scale):
    return f"{number}e-{scale}" if scale > 0 else str(number)


# physical type, annotation, SQL's type, the least and the largest value
TYPES = [
    (pq.INT32, whole(INT_8), "TINYINT", -128, 127),
    (pq.INT32, whole(INT_16), "SMALLINT", -32768, 32767),
    (pq.INT32, whole(UINT_8), "UTINYINT", 0, 255),
    (pq.INT32, whole(UINT_16), "USMALLINT", 0, 65535),
    (pq.INT32, decimal(4), "DECIMAL(4,0)", -9999, 9999),
    (pq.INT32, decimal(9, 9), "DECIMAL(9,9)", -999999999, 999999999),
    (pq.INT64, decimal(1), "DECIMAL(1,0)", -9, 9),
    (pq.INT64, decimal(18), "DECIMAL(18,0)", -10**18 + 1, 10**18 - 1),
    (pq.BYTES, decimal(5), "DECIMAL(5,0)", -99999, 99999),
    (pq.BYTES, decimal(18), "DECIMAL(18,0)", -10**18 + 1, 10**18 - 1),
    (pq.BYTES, decimal(20), "DECIMAL(20,0)", -10**20 + 1, 10**20 - 1),
    (pq.BYTES, decimal(38), "DECIMAL(38,0)", -10**38 + 1, 10**38 - 1),
    (pq.BYTES, decimal(40), "DECIMAL(40,0)", -10**40 + 1, 10**40 - 1),
    (pq.BYTES, decimal(76), "DECIMAL(76,0)", -10**76 + 1, 10**76 - 1),
]
PHYSICAL = {pq.INT32: 1 << 31, pq.INT64: 1 << 63, pq.BYTES: 1 << 255}


def write(name, kind, annotation, values, encoding, nullable):
    path = tarn.file(name)
    stored = [big(value) if kind == pq.BYTES and value is not None else value for value in values]
    pq.write(path, [pq.Column("v", kind, [stored], encoding, nullable, says={"min": None, "max": None},
                              annotation=annotation)])
    return path


for kind, annotation, name, least, largest in TYPES:
    scale = int(name[:-1].split(",")[1]) if "," in name else 0
    held = [least, largest, 0, 1, least + 1, largest - 1] * 50
    for encoding in (pq.PLAIN, pq.DICTIONARY) + (() if kind == pq.BYTES else (pq.DELTA, pq.SPLIT)):
        for nullable in (False, True):
            label = f"{name} of {kind}, {pq.NAMES[encoding]}, {'nulls' if nullable else 'no nulls'}"
            values = held + [None] * 3 if nullable else held
            path = write("held.parquet", kind, annotation, values, encoding, nullable)
            want = tarn.run(f"SELECT CAST('{written(least, scale)}' AS {name}) AS a, "
                            f"CAST('{written(largest, scale)}' AS {name}) AS b, '{name}' AS t, 300 AS n")
            got = tarn.run(f"SELECT min(v) AS a, max(v) AS b, any_value(typeof(v)) AS t, count(v) AS n "
                           f"FROM '{path}'")
            case(f"{label}: what it holds", got.returncode == 0 and got.stdout == want.stdout,
                 (got.stdout, got.stderr, want.stdout, want.stderr))
            ends = {least - 1, largest + 1}
            if encoding != pq.DELTA:  # our encoder's differences do not wrap
                ends |= {-PHYSICAL[kind], PHYSICAL[kind] - 1}
            for beyond in sorted(end for end in ends if not least <= end <= largest and
                                 -PHYSICAL[kind] <= end < PHYSICAL[kind]):
                path = write("beyond.parquet", kind, annotation,
                             values[:100] + [beyond] + values[100:], encoding, nullable)
                for query in (f"SELECT sum(v) FROM '{path}'", f"SELECT v FROM '{path}'"):
                    got = tarn.run(query)
                    case(f"{label}: {beyond} is an error",
                         got.returncode == 1 and "column 'v'" in got.stderr and
                         "beyond.parquet" in got.stderr, (query, got.stdout[-80:], got.stderr))
                if "types =>" in got.stderr:
                    wider = got.stderr.split("{'v': '")[1].split("'")[0]
                    digits = int(wider[8:].split(",")[0]) if "," in wider else 10
                    got = tarn.run(f"SELECT min(v) AS a, max(v) AS b, typeof(min(v)) AS t FROM "
                                   f"read_parquet('{path}', types => {{'v': '{wider}'}})")
                    want = tarn.run(f"SELECT '{written(min(least, beyond), scale)}'::{wider} AS a, "
                                    f"'{written(max(largest, beyond), scale)}'::{wider} AS b, "
                                    f"'{wider}' AS t")
                    case(f"{label}: {beyond} as {wider}", got.stdout == want.stdout and
                         (got.returncode == 0) == (abs(beyond) < 10**digits),
                         (got.stdout, got.stderr, want.stdout))
tarn.close()
