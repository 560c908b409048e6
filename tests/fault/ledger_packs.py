#!/usr/bin/env python3
"""A ledger of many runs: packs of 16 and 256 runs hold what the runs' own objects say, spare reading those, and are
made anew where they are missing; a damaged one is named, with the remedy."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case, finish  # noqa: E402

tarn = Tarn()
home = pathlib.Path(tarn.folder)
ledger = home / "lake/_tarn/many"
(home / "in").mkdir()
(home / "p.toml").write_text('[pipeline]\nname = "many"\n[[source]]\nid = "a"\nuri = "in/*.csv"\n'
                             '[[sink]]\nfrom = "a"\nto = "lake/t"\n')


def command(*words):
    return subprocess.run([tarn.path, *words], cwd=home, env=dict(os.environ, HOME=str(home)), capture_output=True, text=True, timeout=100)


def take(number):
    (home / f"in/{number:05}.csv").write_text(f"id,v\n{number},x\n")
    return command("run", "p.toml")


def status():
    return command("status", "--json", "p.toml").stdout


def packs():
    return sorted(path.name for path in ledger.glob("packs/*"))


def rows():
    return tarn.rows(f"SELECT count(*), count(DISTINCT id), sum(id) FROM '{home}/lake/t'").strip()


def put_away(first, last):
    for folder in ("runs", "done"):
        (home / "away" / folder).mkdir(parents=True, exist_ok=True)
        for run in range(first, last + 1):
            source = ledger / folder / f"{run:012}.json"
            if source.exists():
                source.rename(home / "away" / folder / source.name)


def bring_back():
    for path in home.glob("away/*/*"):
        path.rename(ledger / path.parent.name / path.name)


good = [take(number).returncode for number in range(1, 19)]
case("18 runs", good == [0] * 18, good)
case("one pack of 16", packs() == ["000000000001-000000000016.jsonl"], packs())
got = command("reset", "--run", "3", "--yes", "p.toml")
case("a reset is a run of its own", got.returncode == 0, got.stderr)
good = [take(number).returncode for number in range(19, 258)]
case("257 runs and a reset", good == [0] * 239, set(good))
want = [f"{first + 1:012}-{first + 16:012}.jsonl" for first in range(0, 256, 16)] + ["000000000001-000000000256.jsonl"]
case("16 packs of 16, and one of 256", packs() == sorted(want), packs())
# The rows of run 3 came once more, as the reset asked.
case("every row is there once, but those that were taken again", rows() == f"258,257,{257 * 258 // 2 + 3}", rows())

with_packs = status()
case("status knows all runs", len(json.loads(with_packs).get("runs", [])) >= 18, with_packs[:300])
put_away(1, 256)
case("the pack alone says the same", status() == with_packs)
case("nothing is taken again", "nothing new" in command("run", "p.toml").stderr)
(ledger / "packs/000000000001-000000000256.jsonl").rename(home / "large")
case("packs of 16 say the same", status() == with_packs)
bring_back()
(ledger / "packs").rename(home / "packs")
case("their own objects say the same", status() == with_packs)
case("packs are made anew", command("run", "p.toml").returncode == 0 and packs() == sorted(want), packs())
for name in want:
    old = home / "large" if name == want[-1] else home / "packs" / name
    case(f"{name} as before", (ledger / "packs" / name).read_bytes() == old.read_bytes(), old)

name = "000000000001-000000000016.jsonl"
whole = (ledger / "packs" / name).read_bytes()
os.remove(ledger / "packs/000000000001-000000000256.jsonl")
for what, text in (("cut short", whole[:len(whole) // 2]), ("empty", b""), ("of other runs", whole.replace(b'"run":5,', b'"run":6,'))):
    (ledger / "packs" / name).write_bytes(text)
    got = command("run", "p.toml")
    case(f"a pack {what}: named, with the remedy", got.returncode == 1 and name in got.stderr and "remove that file" in got.stderr, got.stderr)
os.remove(ledger / "packs" / name)
case("without it all is well", command("run", "p.toml").returncode == 0 and status() == with_packs)

shutil.rmtree(ledger / "packs")
(ledger / "packs").write_text("in the way")
case("packs that cannot be written are no failure", take(258).returncode == 0 and rows().startswith("259,258,"), rows())
finish()
