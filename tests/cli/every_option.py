#!/usr/bin/env python3
"""No option is passed over in silence: each way of calling each command is tried with every option that the
command lists or that all commands know.  An option must be refused by name with exit code 2, or what the
command prints or leaves behind must differ from a call without it.

usage: tests/cli/every_option.py TARN"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TARN = pathlib.Path(sys.argv[1]).resolve()
PIPELINE = """[pipeline]
name = "p"
params = { least = 0 }
[[source]]
id = "raw"
uri = "in/*.csv"
[[step]]
id = "clean"
sql = "SELECT * FROM raw WHERE a > $least"
[[sink]]
from = "clean"
to = "sunk"
"""
# How errors look, how much may be used, what would only be seen when something goes wrong or takes long.
POLICY = {"set", "memory", "threads", "temp-dir", "progress", "strict", "quiet", "log-level", "log-format", "color"}
# Heeded, though these calls cannot show it: why.
UNSEEN = {
    ("run", "grace"): "SIGTERM only", ("run", "no-wait"): "where another runner is at work",
    ("cp", "jobs"): "the same files in the end", ("schema", "null"): "no NULL in it",
    ("table schema", "null"): "no NULL in it", ("table history", "null"): "no NULL in it",
    ("stat", "null"): "no NULL in it", ("stat", "max-rows"): "one row", ("rm", "yes"): "asks on a terminal only",
    ("reset", "yes"): "a run that is not there", ("table write", "mode"): "append is the default",
    ("query", "param"): "binds what the statement names", ("shell", "param"): "the same",
    ("plot", "param"): "the same",
    ("ls --format", "long"): "every form shows size and time", ("ls --format", "human"): "the same",
}
VALUES = {
    "format": "json", "output": "out.json", "null": "NIL", "max-rows": "1", "max-width": "20", "param": "least=2",
    "command": "SELECT 9", "file": "nine.sql", "rows": "1", "from": "parquet", "to": "jsonl", "version": "99",
    "at": "2001-01-01T", "limit": "1", "schema": "z INT", "like": "in/1.csv", "partition-by": "nope",
    "property": "nameless", "mode": "append", "kind": "lines", "x": "b", "y": "c", "height": "3", "step": "clean",
    "limit-files": "1", "grace": "1s", "jobs": "2", "if-match": "no", "input": "in/*", "run": "1",
    "completion": "bash"}
# (name, words, options that stand there already, standard input)
WAYS = [
    ("query", ["query", "SELECT a, NULL AS b, 9007199254740993 AS c FROM 'in/*.csv'"], [], ""),
    ("shell", ["shell"], [], "SELECT 1 AS a, NULL AS b, 9007199254740993 AS c FROM range(3);\nSELECT 'a long text of many words' AS c;\n"),
    ("shell --json", ["shell", "--json"], ["json"], '{"sql": "SELECT 1 AS a, NULL AS b"}\n'),
    ("init", ["init", "new"], [], ""),
    ("check", ["check", "p.toml"], [], ""),
    ("run", ["run", "p.toml"], [], ""),
    ("run --step", ["run", "--step", "clean", "p.toml"], ["step"], ""),
    ("status", ["status", "done.toml"], [], ""),
    ("reset", ["reset", "--run", "1", "done.toml"], ["run"], ""),
    ("graph", ["graph", "p.toml"], [], ""),
    ("schema", ["schema", "in/1.csv"], [], ""),
    ("head", ["head", "in/1.csv"], [], ""),
    ("meta", ["meta", "t.parquet"], [], ""),
    ("convert", ["convert", "in/1.csv", "c.json"], [], ""),
    ("convert -", ["convert", "in/1.csv", "-"], [], ""),
    ("table show", ["table", "show", "t"], [], ""),
    ("table schema", ["table", "schema", "t"], [], ""),
    ("table files", ["table", "files", "t"], [], ""),
    ("table detail", ["table", "detail", "t"], [], ""),
    ("table history", ["table", "history", "t"], [], ""),
    ("table create", ["table", "create", "u", "--schema", "a BIGINT, b VARCHAR"], ["schema"], ""),
    ("table write", ["table", "write", "t", "in/1.csv"], [], ""),
    ("table checkpoint", ["table", "checkpoint", "t"], [], ""),
    ("ls", ["ls"], [], ""),
    ("ls --format", ["ls", "--format", "csv"], ["format"], ""),
    ("cat", ["cat", "in/1.csv"], [], ""),
    ("cp", ["cp", "in/1.csv", "in/2.csv", "to/"], [], ""),
    ("cp from -", ["cp", "-", "to/x"], [], "text"),
    ("cp to -", ["cp", "in/1.csv", "-"], [], ""),
    ("rm", ["rm", "in/1.csv", "in/2.csv"], [], ""),
    ("rm --uploads", ["rm", "--uploads"], ["uploads"], ""),
    ("stat", ["stat", "in/1.csv"], [], ""),
    ("plot", ["plot", "SELECT a, b, a AS c FROM (VALUES (1, 2), (3, 5), (9, 7)) v(a, b)"], [], ""),
    ("config", ["config"], [], ""),
    ("help", ["help", "query"], [], ""),
]
# Options that need another call to show what they do.
PIPELINES = ("check", "run", "run --step", "status", "reset", "graph")
CALLS = {
    ("rm", "recursive"): ["rm", "in"], ("cat", "recursive"): ["cat", "in"], ("cp", "recursive"): ["cp", "in", "to/"],
    ("cp", "no-clobber"): ["cp", "in/1.csv", "to/"], ("cp from -", "no-clobber"): ["cp", "-", "to/1.csv"],
    ("table write", "create"): ["table", "write", "new", "in/1.csv"],
}


def call(way, words, option):
    """The words without the option."""
    if (way, option) in CALLS:
        return CALLS[way, option]
    if option in ("max-rows", "max-width"):
        return [*words, "--format", "table"]
    if (way, option) in (("query", "json-strings"), ("shell", "json-strings")):
        return [*words, "--format", "json"]
    return [*words, "--kind", "lines"] if option == "height" else words


def run(arguments, where, stdin=""):
    env = {"PATH": "/usr/bin:/bin", "HOME": str(where), "COLUMNS": "80"}
    done = subprocess.run([TARN, *arguments], cwd=where, env=env, input=stdin, capture_output=True, text=True,
                          timeout=60)
    left = {str(path.relative_to(where)): path.read_bytes() if path.is_file() else b""
            for path in sorted(where.rglob("*")) if ".local" not in path.parts}
    return done, left


def world(where):
    """Files, tables and a pipeline, made once and copied for each call."""
    (where / "in").mkdir(parents=True)
    (where / "to").mkdir()
    (where / "to/1.csv").write_text("old\n")
    (where / "in/1.csv").write_text("a,b\n1,\n2,x\n3,a text that is longer than others are\n")
    (where / "in/2.csv").write_text("a,b\n4,y\n5,z\n")
    (where / "nine.sql").write_text("SELECT 9")
    (where / "p.toml").write_text(PIPELINE)
    (where / "done.toml").write_text(PIPELINE.replace('"sunk"', '"done"').replace('"p"', '"done"'))
    for arguments in (["convert", "in/1.csv", "t.parquet"], ["table", "write", "t", "in/1.csv", "--create"],
                      ["table", "write", "t", "in/2.csv"], ["run", "done.toml"]):
        subprocess.run([TARN, *arguments], cwd=where, env={"PATH": "/usr/bin:/bin", "HOME": str(where)}, check=True,
                       capture_output=True)


def options_of(command):
    """{name: takes a value} as help lists them."""
    text = subprocess.run([TARN, "help", *command], capture_output=True, text=True, check=True).stdout
    return {name: bool(value) for name, value in re.findall(r"^  (?:-\w, |    )--([\w-]+)( \S+)?  ", text, re.M)}


def plain(text):
    """Without times and figures, which differ from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME", text)
    return re.sub(r'"seconds":[\d.]+|"peak_bytes":\d+|\d+\.\d+ s\b|[0-9a-f]{8}-[0-9a-f-]{27}', "N", text)


def names(left):
    """What is left behind: names, and of texts what is in them."""
    return {(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{10,}", "N", name), data if name == "c.json" else b"")
            for name, data in left.items()}


scratch = pathlib.Path(tempfile.mkdtemp(prefix="tarn-options-"))
passed, failures = 0, []
try:
    world(scratch / "world")
    common = options_of([])
    if len(common) < 15 or "format" not in common:
        sys.exit(f"help lists no common options: {common}")
    number = 0

    def fresh():
        global number
        number += 1
        shutil.copytree(scratch / "world", scratch / str(number), symlinks=True)
        return scratch / str(number)

    def outcome(arguments, stdin):
        where = fresh()
        done, left = run(arguments, where, stdin)
        shutil.rmtree(where)
        return done, (done.returncode, plain(done.stdout), plain(done.stderr), names(left))

    def attempt(base, given, stdin, bases, option):
        """ "" where the option is refused by name, or heeded."""
        if tuple(base) not in bases:
            bases[tuple(base)] = outcome(base, stdin)[1]
        done, told = outcome(base + given, stdin)
        if told == bases[tuple(base)]:
            return "passed over"
        value = given[1] if len(given) > 1 else "\0"
        named = f"--{option}" in done.stderr or f"'{value.split('=')[0]}'" in done.stderr
        return "" if done.returncode != 2 or named else f"refused, but not by name ({done.stderr.strip()})"

    seen = set()
    for way, words, has, stdin in WAYS:
        seen.add(words[0])
        bases = {}
        for option, takes in {**common, **options_of(words[:1])}.items():
            if option in POLICY or option in has or {(way, option), (way.split(" -")[0], option)} & UNSEEN.keys() or option == "help":
                continue
            base = call(way, words, option)
            value = "nope=1" if option == "param" and way in PIPELINES else VALUES.get(option)
            if value is not None or not takes:
                given = [f"--{option}"] + ([value] if takes else [])
            else:
                failures.append(f"{way}: this test has no value for --{option}")
                continue
            told = attempt(words, given, stdin, bases, option)
            if told == "passed over" and base != words:
                told = attempt(base, given, stdin, bases, option)
            if told != "":
                failures.append(f"{way}: --{option} is {told}: {' '.join(base + given)}")
            passed += told == ""
    listed = set(re.findall(r"^  (\w+) ", subprocess.run([TARN, "help"], capture_output=True, text=True,
                                                         check=True).stdout, re.M))
    missing = {name for name in listed if name not in seen} - {"tarn"}
    if missing:
        failures.append(f"commands without a call here: {missing}")
finally:
    shutil.rmtree(scratch)
for failure in failures:
    print("FAIL", failure)
print(f"{passed} passed, {len(failures)} failed")
sys.exit(1 if failures or passed < 300 else 0)
