"""Variant values (Parquet's VariantEncoding.md and VariantShredding.md) as text, from the struct of
metadata, value and typed_value that a reader without the type sees.  A double of the format's
definition: it shares nothing with Tarn."""
import base64
import datetime
import json
import struct
import uuid
from decimal import Decimal

EPOCH = datetime.datetime(1970, 1, 1)


def is_variant(kind):
    """kind: as read_theirs.split_type gives it."""
    if kind[0] != "STRUCT":
        return False
    names = [name for name, _ in kind[1]]
    return names[:2] == ["metadata", "value"] and set(names) <= {"metadata", "value", "typed_value"}


def instant(nanos, digits, zone):
    seconds, rest = divmod(nanos, 10**9)
    text = (EPOCH + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{rest:09d}"[:len(text) + 1 + digits] + zone


def unsigned(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def words(metadata):
    size = (metadata[0] >> 6) + 1
    count = unsigned(metadata, 1, size)
    ends = [unsigned(metadata, 1 + size * (i + 1), size) for i in range(count + 1)]
    begin = 1 + size * (count + 2)
    return [metadata[begin + a:begin + b].decode() for a, b in zip(ends, ends[1:])]


def scalar(code, data):
    """A primitive: what follows its header."""
    integers = {3: 1, 4: 2, 5: 4, 6: 8}
    decimals = {8: 4, 9: 8, 10: 16}
    times = {12: (1000, 6, "+00"), 13: (1000, 6, ""), 18: (1, 9, "+00"), 19: (1, 9, "")}
    if code in (0, 1, 2):
        return (None, True, False)[code]
    if code in integers:
        return int.from_bytes(data[:integers[code]], "little", signed=True)
    if code == 7:
        return struct.unpack_from("<d", data)[0]
    if code == 14:
        return struct.unpack_from("<f", data)[0]
    if code in decimals:
        return Decimal(int.from_bytes(data[1:1 + decimals[code]], "little", signed=True)).scaleb(-data[0])
    if code == 11:
        return str(EPOCH.date() + datetime.timedelta(days=struct.unpack_from("<i", data)[0]))
    if code in times:
        unit, digits, zone = times[code]
        return instant(struct.unpack_from("<q", data)[0] * unit, digits, zone)
    if code == 17:
        return instant(struct.unpack_from("<q", data)[0] * 1000, 6, "")[11:]
    if code in (15, 16):
        content = data[4:4 + unsigned(data, 0, 4)]
        return content.decode() if code == 16 else base64.b64encode(content).decode()
    if code == 20:
        return str(uuid.UUID(bytes=bytes(data[:16])))
    raise ValueError(f"a variant's primitive {code}")


def decode(names, data):
    kind, header = data[0] & 3, data[0] >> 2
    if kind == 0:
        return scalar(header, data[1:])
    if kind == 1:
        return data[1:1 + header].decode()
    size = (header & 3) + 1
    is_large = header >> (4 if kind == 2 else 2) & 1
    count = unsigned(data, 1, 4 if is_large else 1)
    at = 5 if is_large else 2
    fields = []
    if kind == 2:
        width = (header >> 2 & 3) + 1
        fields = [names[unsigned(data, at + width * i, width)] for i in range(count)]
        at += width * count
    items = [decode(names, data[at + size * (count + 1) + unsigned(data, at + size * i, size):])
             for i in range(count)]
    return dict(zip(fields, items)) if kind == 2 else items


def typed(names, kind, value):
    """A typed_value that is there."""
    if kind[0] == "LIST":
        return [whole(names, kind[1], item) for item in value]
    if kind[0] == "STRUCT":
        return {field: whole(names, inner, value[field]) for field, inner in kind[1] if value[field] is not None}
    return base64.b64decode(value) if kind[0] == "BLOB" else value


def whole(names, kind, value):
    """kind and value of a struct of value and typed_value."""
    shredded = dict(kind[1]).get("typed_value")
    rest = value.get("value")
    rest = None if rest is None else decode(names, base64.b64decode(rest))
    if shredded is None or value.get("typed_value") is None:
        return rest
    found = typed(names, shredded, value["typed_value"])
    return {**found, **rest} if isinstance(found, dict) and rest is not None else found


def plain(kind, value):
    """value: the struct as JSON holds it, with bytes in base64.  The variant as Python has it."""
    value = json.loads(value, parse_float=Decimal) if isinstance(value, str) else value
    return whole(words(base64.b64decode(value["metadata"])), kind, value)


def text(kind, value):
    """The same as text; None for null."""
    found = plain(kind, value)
    return json.dumps(found) if isinstance(found, (dict, list)) else None if found is None else str(found)
