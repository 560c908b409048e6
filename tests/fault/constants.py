"""A constant says what a column says: every scalar function, operator and cast over values at the edges
of their types gives the same for literals (folded), for columns of a table, for columns of a file (with
dictionaries), and for one of each.  All literals of a kind stand in one SELECT, so that expressions
which are taken for equals are found, too."""
import itertools
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case  # noqa: E402

tarn = Tarn()
VALUES = {
    "BOOLEAN": ["true", "false"],
    "TINYINT": ["-128", "127", "0", "-1"],
    "SMALLINT": ["-32768", "32767", "3"],
    "INTEGER": ["-2147483648", "2147483647", "0", "-1", "2"],
    "BIGINT": ["-9223372036854775808", "9223372036854775807", "0", "9007199254740993"],
    "UTINYINT": ["0", "255"],
    "UINTEGER": ["0", "4294967295"],
    "UBIGINT": ["0", "9223372036854775808", "18446744073709551615"],
    "DECIMAL(5,2)": ["-999.99", "0", "-0.01", "2.55"],
    "DECIMAL(18,4)": ["-99999999999999.9999", "2.0005"],
    "DECIMAL(38,0)": ["-" + "9" * 38, "9" * 38, "9223372036854775809"],
    "REAL": ["-0.0", "1.5", "NaN", "-inf", "3.4028234e38"],
    "DOUBLE": ["0", "-0.0", "-2.5", "NaN", "inf", "1e308", "9007199254740993"],
    "VARCHAR": ["", "Abc", " x ", "-3.5", "naïve žlutý", "a long text that lies far away", "2001-02-28",
                "2001-02-28 13:05:07.25", "%a_"],
    "BLOB": ["", "abc", "\\x00\\xff"],
    "DATE": ["1970-01-01", "1969-12-31", "2000-02-29", "0001-01-01", "9999-12-31"],
    "TIME": ["00:00:00", "23:59:59.999999"],
    "TIMESTAMP": ["1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2001-02-28 13:05:07.25"],
    "TIMESTAMPTZ": ["1969-12-31 23:59:59.5+00", "2001-02-28 13:05:07+00"],
    "INTERVAL": ["1 month", "30 days", "1 day", "24 hours", "-1 month 3 days"],
    "INTEGER[]": ["[]", "[1,NULL,3]", "[2147483647,-2147483648]"],
    "VARCHAR[]": ["[]", "['a',NULL,'long text that is far away']"],
    "STRUCT(a INTEGER, b VARCHAR)": ["{'a': 1, 'b': 'x'}"],
}
PAIRED = ["INTEGER", "BIGINT", "UBIGINT", "DECIMAL(5,2)", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP",
          "INTERVAL", "INTEGER[]"]
UNSTEADY = {"random", "now", "current_date", "current_time", "localtimestamp"}
SMALL = {"range", "generate_series", "repeat", "lpad", "rpad"}  # their results grow with their arguments
OPERATORS = ["+", "-", "*", "/", "%", "=", "<>", "<", "<=", "IS DISTINCT FROM", "||", "&", "|", "<<", ">>",
             "LIKE"]
FORMS = ["coalesce({0}, {1})", "nullif({0}, {1})", "greatest({0}, {1})", "least({0}, {1})",
         "({0} IN ({1}, NULL))", "CASE WHEN {0} = {1} THEN {0} ELSE {1} END", "({0} BETWEEN {1} AND {1})"]

shell = subprocess.Popen([tarn.path, "shell", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True, cwd=tarn.folder)


def ask(sql):
    shell.stdin.write(json.dumps({"sql": sql}) + "\n")
    shell.stdin.flush()
    return json.loads(shell.stdout.readline())


def literal(kind, value):
    if value is None:
        return f"CAST(NULL AS {kind})"
    quoted = value if kind[-1] in ")]" and kind[:3] != "DEC" else "'" + value.replace("'", "''") + "'"
    return f"CAST({quoted} AS {kind})"


tables = {}


def table(kinds):
    """The name of a table with all combinations, those, and a file with each of them twice."""
    if kinds not in tables:
        name = f"t{len(tables)}"
        combinations = list(itertools.product(*[VALUES[kind] + [None] for kind in kinds]))
        columns = ", ".join(f"c{at} {kind}" for at, kind in enumerate(kinds))
        rows = ", ".join("(" + ", ".join([str(at)] + [literal(kind, value) for kind, value in zip(kinds, row)])
                         + ")" for at, row in enumerate(combinations))
        made = [ask(f"CREATE TABLE {name}(id INTEGER, {columns})"), ask(f"INSERT INTO {name} VALUES {rows}")]
        assert all(answer["ok"] for answer in made), made
        file = f"{name}.parquet"
        kept = ask(f"COPY (SELECT t.* FROM {name} t, range(2) ORDER BY id) TO '{file}'")
        tables[kinds] = name, combinations, file if kept["ok"] else None
    return tables[kinds]


def second_constant(name, call, kinds, combinations):
    """The answers where the last argument is a literal, in the table's order."""
    values = VALUES[kinds[1]] + [None]
    found = [None] * len(combinations)
    for at, value in enumerate(values):
        part = ask(f"SELECT id, try({call.format('c0', literal(kinds[1], value))}) FROM {name} "
                   f"WHERE id % {len(values)} = {at}")
        if not part["ok"]:
            return part["error"]
        for row, answer in part["rows"]:
            found[int(row)] = answer
    return found


asked = 0
wrong = []


def compare(call, kinds):
    """False where the call is not defined."""
    global asked
    name, combinations, file = table(kinds)
    columns = [f"c{at}" for at in range(len(kinds))]
    flat = ask(f"SELECT try({call.format(*columns)}) FROM {name} ORDER BY id")
    if not flat["ok"]:
        return False
    expected = [row[0] for row in flat["rows"]]
    constants = ask("SELECT " + ", ".join(
        "try(" + call.format(*[literal(kind, value) for kind, value in zip(kinds, row)]) + ")"
        for row in combinations))
    got = {"constants": constants["rows"][0] if constants["ok"] else constants["error"]}
    if file is not None:
        answer = ask(f"SELECT try({call.format(*columns)}) FROM '{file}' ORDER BY id")
        got["file"] = [row[0] for row in answer["rows"]][::2] if answer["ok"] else answer["error"]
    if len(kinds) == 2:
        got["one constant"] = second_constant(name, call, kinds, combinations)
    for form, answers in got.items():
        asked += len(combinations)
        if answers != expected:
            at = next((at for at, pair in enumerate(zip(answers, expected)) if pair[0] != pair[1]), 0)
            wrong.append(f"{call} of {kinds}, {form}: {combinations[at]} gives "
                         f"{answers[at] if isinstance(answers, list) else answers}, a column {expected[at]}")
    return True


def judge(name):
    global asked, wrong
    case(f"{name}: {asked} answers are the same" if not wrong else name, asked > 0 and not wrong,
         f"{len(wrong)} differ: " + "; ".join(wrong[:5]))
    asked, wrong = 0, []


answer = ask("SHOW FUNCTIONS")
functions = [dict(zip(answer["columns"], row)) for row in answer["rows"]]
names = [f["name"] for f in functions if f["category"] != "aggregate" and re.fullmatch(r"\w+", f["name"])
         and f["name"] not in UNSTEADY]
for source, target in itertools.product(VALUES, VALUES):
    compare(f"CAST({{0}} AS {target})", (source,))
judge("casts")
for name, kind in itertools.product(names, VALUES):
    if name not in SMALL:
        compare(name + "({0})", (kind,))
judge("functions of one argument")
for kinds in itertools.product(PAIRED, repeat=2):
    for name in names:
        if name not in SMALL and ask("SELECT " + name + "(" + ", ".join(f"CAST(NULL AS {kind})" for kind in kinds)
                                     + ")")["ok"]:
            compare(name + "({0}, {1})", kinds)
judge("functions of two arguments")
for kinds in itertools.product(PAIRED, repeat=2):
    for operator in OPERATORS:
        compare(f"({{0}} {operator} {{1}})", kinds)
    for form in FORMS:
        compare(form, kinds)
judge("operators")
shell.stdin.close()
shell.wait()
tarn.close()
