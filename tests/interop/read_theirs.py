"""Reads Delta tables that others made with Tarn, through `tarn shell --json`, and compares the rows
with those the maker expects: IN/NAME/table and IN/NAME/expected[.vN].jsonl, in the canonical form of
canon_rows.py.  Used by tests/interop/run."""
import base64
import json
import pathlib
import re
import struct
import subprocess
import sys
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "corpora"))
import variant  # noqa: E402


def split_type(text):
    """'STRUCT(x INTEGER, y MAP(VARCHAR, DATE)[])' -> (name, arguments, ...), nested as tuples."""
    text = text.strip()
    if text.endswith("[]"):
        return ("LIST", split_type(text[:-2]))
    match = re.fullmatch(r"(\w+)\((.*)\)", text, re.S)
    if not match:
        return (text.upper(),)
    name, inside = match[1].upper(), match[2]
    parts, depth, begin, quoted = [], 0, 0, False
    for i, c in enumerate(inside):
        quoted ^= c == '"'
        if not quoted:
            depth += (c in "([") - (c in ")]")
            if c == "," and depth == 0:
                parts.append(inside[begin:i])
                begin = i + 1
    parts.append(inside[begin:])
    if name == "STRUCT":
        fields = []
        for part in parts:
            match = re.fullmatch(r'\s*("(?:[^"]|"")*"|\S+)\s+(.*)', part, re.S)
            field = match[1]
            if field.startswith('"'):
                field = field[1:-1].replace('""', '"')
            fields.append((field, split_type(match[2])))
        return ("STRUCT", fields)
    if name == "MAP":
        return ("MAP", split_type(parts[0]), split_type(parts[1]))
    return (name, *(part.strip() for part in parts))


def canon(rows, kind, value, nested=False):
    """rows: the module canon_rows; value: text at the top, what JSON holds below a list or struct
    (nested; bytes are base64 there)."""
    if value is None:
        return "null"
    name = kind[0]
    if variant.is_variant(kind):
        return rows.variant_json(json.dumps(variant.plain(kind, value)))
    if name in ("LIST", "STRUCT", "MAP") and isinstance(value, str):
        value = json.loads(value, parse_float=Decimal)
    if name == "LIST":
        return rows.array(canon(rows, kind[1], item, True) for item in value)
    if name == "STRUCT":
        return rows.obj((field, canon(rows, inner, value.get(field), True)) for field, inner in kind[1])
    if name == "MAP":
        if isinstance(value, dict):
            pairs = list(value.items())
        else:
            pairs = [(item["key"], item["value"]) if isinstance(item, dict) else item for item in value]
        return rows.mapping((canon(rows, kind[1], k, True), canon(rows, kind[2], v, True)) for k, v in pairs)
    if name == "BOOLEAN":
        return rows.boolean(value in (True, "true"))
    if name in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        return str(value)
    if name in ("FLOAT", "REAL"):
        return rows.float32(struct.unpack("f", struct.pack("f", float(value)))[0])
    if name == "DOUBLE":
        return rows.double(float(value))
    if name in ("DECIMAL", "NUMERIC"):
        return rows.decimal(Decimal(value), int(kind[2]))
    if name == "VARCHAR":
        return rows.text(value)
    if name in ("BLOB", "BINARY", "VARBINARY"):
        return rows.text(base64.b64decode(value).hex() if nested else value.removeprefix("\\x"))
    if name == "DATE":
        return rows.text(value)
    if name.startswith("TIMESTAMP"):
        match = re.fullmatch(r"(\d+-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|\+00(?::00)?)?", value)
        zone = "Z" if match[4] or name == "TIMESTAMPTZ" or "ZONE" in name else ""
        return f'"{match[1]}T{match[2]}.{(match[3] or "").ljust(6, "0")}{zone}"'
    raise ValueError(f"no canonical form for {name}")


class Shell:
    def __init__(self, tarn):
        self.process = subprocess.Popen([tarn, "shell", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, sql):
        self.process.stdin.write(json.dumps({"sql": sql}).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise EOFError(f"the shell ended with {self.process.wait()}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        return self.process.wait(timeout=60)


def features_of(home):
    meta = json.loads((home / "meta.json").read_text()).get("table", {})
    named = [feature for key in ("readerFeatures", "writerFeatures", "tableFeatures") for feature in meta.get(key) or []]
    return named + [key.removeprefix("delta.") for key in meta.get("properties") or {}]


def compare(tarn, folder, rows):
    """Prints a line for each expectation; (passed, failed).  A table is refused well where the error
    is `unsupported` and names a feature of the table."""
    passed = failed = 0
    for home in sorted(path for path in pathlib.Path(folder).iterdir() if (path / "table").is_dir()):
        for expected in sorted(home.glob("expected*.jsonl")):
            kind = expected.name[len("expected"):-len(".jsonl")]
            if kind in (".cdf", ".row_ids"):
                continue  # not rows of the table itself
            uri = str(home / "table").replace("'", "''")
            version = f", version => {kind[2:]}" if kind.startswith(".v") else ""
            what = f"{home.name}{kind}"
            shell = Shell(tarn)
            try:
                answer = shell.ask(f"SELECT * FROM delta_scan('{uri}'{version})")
                if answer.get("ok"):
                    kinds = [split_type(text) for text in answer["types"]]
                    got, _ = rows.finish(
                        rows.obj((name, canon(rows, kind, value)) for name, kind, value in zip(answer["columns"], kinds, row))
                        for row in answer["rows"])
                    difference = rows.difference(got, rows.load(expected)[0])
                    good, text = not difference, "".join(f"\n   {line[:500]}" for line in difference)
                    verdict = "same" if good else "DIFFERENT"
                else:
                    text = f": {answer.get('error')}"
                    good = answer.get("code") == "unsupported" and any(
                        feature.lower() in answer["error"].lower() for feature in features_of(home))
                    verdict = "refused" if good else "FAILED"
            except Exception as error:  # an answer that cannot be read is a failure, not an end
                good, verdict, text = False, "FAILED", f": {type(error).__name__}: {error}"
            finally:
                try:
                    shell.close()
                except (BrokenPipeError, subprocess.TimeoutExpired):
                    shell.process.kill()
            passed += good
            failed += not good
            print(f"{verdict:9} {what}{text}", flush=True)
    return passed, failed
