#!/usr/bin/env python3
"""Local inputs are known by their content, whose hash is made while they are read: a file that was
touched is no new one, one byte makes it one, and nothing is read twice for it.
usage: pipeline_content.py TARN"""
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import case as check, finish  # noqa: E402

tarn = os.path.abspath(sys.argv[1])
LEAF = 16 << 20


def call(folder, *arguments):
    return subprocess.run([tarn, *arguments], cwd=folder, env=dict(os.environ, HOME=folder),
                          capture_output=True, text=True, timeout=300)


def make(folder, ending, sql="SELECT * FROM raw", more=""):
    os.makedirs(f"{folder}/in")
    with open(f"{folder}/p.toml", "w", encoding="utf-8") as out:
        out.write(f"""
[pipeline]
name = "k"
[[source]]
id = "raw"
uri = "in/*{ending}"
{more}
[[step]]
id = "s"
sql = "{sql}"
[[sink]]
from = "s"
to = "lake/t"
""")
    return folder


def run(folder):
    """(exit code, what it said, bytes read by the process)"""
    with open(f"{folder}/said", "w+", encoding="utf-8") as said:
        process = subprocess.Popen([tarn, "run", "p.toml"], cwd=folder, stderr=said,
                                   env=dict(os.environ, HOME=folder))
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with open(f"/proc/{process.pid}/io", encoding="utf-8") as file:
            read = int(file.readline().split()[1])
        said.seek(0)
        return process.wait(), said.read().strip(), read


def hash_of(folder, run=1):
    """What the ledger keeps of the one input."""
    with open(f"{folder}/lake/_tarn/k/done/{run:012}.json", encoding="utf-8") as file:
        return json.load(file)["hashes"][0] or None


def csv(size):
    """So many bytes of CSV."""
    line = b"%07d,some text of this line\n"
    rows = max((size - 5) // len(line % 0), 0)
    text = b"a,bb\n" + b"".join(line % i for i in range(rows))
    rest = size - len(text)
    return text + (b"" if rest == 0 else b"\n" * rest if rest < 3 else b"0," + b"x" * (rest - 3) + b"\n")


def touch(path):
    os.utime(path, (1_600_000_000, 1_600_000_000))


with tempfile.TemporaryDirectory() as scratch:
    cases = [(f"{size} bytes", ".csv", csv(size), {}) for size in
             (40, 100_000, LEAF - 1, LEAF, LEAF + 1, 2 * LEAF + 4321)]
    cases.append(("compressed", ".csv.gz", gzip.compress(csv(3_000_000), 1), {}))
    cases.append(("JSON by lines", ".jsonl", b"".join(b'{"a": %d, "b": "some text"}\n' % i for i in
                                                     range(700_000)), {}))
    cases.append(("one JSON array", ".json", b"[" + b",".join(b'{"a": %d}' % i for i in range(90_000))
                  + b"]", {}))
    cases.append(("ended early", ".csv", csv(2 * LEAF), {"sql": "SELECT * FROM raw LIMIT 5"}))
    cases.append(("lines counted first", ".csv", csv(2 * LEAF + 99), {"sql": "SELECT a, _line FROM raw"}))
    cases.append(("line ends in quotes", ".csv", b"a,b\n" + b'1,"x\ny"\n' * 2_500_000,
                  {"more": "format = { type = 'csv', new_line_in_values = true }"}))
    for name, ending, data, options in cases:
        folder = make(f"{scratch}/{name.replace(' ', '-')}", ending, **options)
        path = f"{folder}/in/1{ending}"
        with open(path, "wb") as out:
            out.write(data)
        code, said, read = run(folder)
        first = hash_of(folder)
        check(f"{name}: taken", code == 0 and first is not None, said)
        # Samples are read for themselves, and a line that ends in another morsel; where lines are
        # counted first the scan reads all of it twice.
        times = 2 if "counted" in name or "quotes" in name else 1
        check(f"... and read {times} time{'' if times == 1 else 's'}",
              read <= times * len(data) + (5 << 20), (read, len(data)))
        touch(path)
        code, said, _ = run(folder)
        check("... touched, it is no new one", code == 0 and said == "nothing new", said)
        replaced = bytearray(data)
        if ending != ".csv.gz":
            at = data.rindex(b"t" if b"text" in data else b"1" if b"1" in data else b"y")
            replaced[at] = ord("2")
        else:
            replaced = gzip.compress(csv(3_000_000).replace(b"some", b"more", 1), 1)
        with open(path, "wb") as out:
            out.write(replaced)
        touch(path)
        code, said, _ = run(folder)
        check("... with another byte it is", code == 0 and "holds something else" in said or
              len(replaced) != len(data), said)

    # Read in another way it has the same hash: with one thread, with eight, twice, and in a replay.
    hashes = set()
    for threads, stop in (("1", None), ("2", None), ("8", None), ("2", "sink_1_done"), ("2", "staged")):
        folder = make(f"{scratch}/threads-{threads}-{stop}", ".csv")
        with open(f"{folder}/in/1.csv", "wb") as out:
            out.write(csv(3 * LEAF + 17))
        if stop:
            subprocess.run([tarn, "run", "p.toml"], cwd=folder, capture_output=True, timeout=300,
                           env=dict(os.environ, HOME=folder, TARN_STOP_AT=stop))
        got = call(folder, "run", "--threads", threads, "p.toml")
        hashes.add(hash_of(folder) if got.returncode == 0 else got.stderr)
    check("however it is read, the hash is one", len(hashes) == 1, hashes)

    # Parquet is read by ranges; what of it was not read in order is read at the end.
    folder = make(f"{scratch}/parquet", ".parquet", "SELECT a FROM raw WHERE a > 10")
    call(folder, "query", "COPY (SELECT range AS a, 'text ' || range AS b FROM range(300000)) TO "
         "'in/1.parquet'")
    code, said, _ = run(folder)
    check("Parquet is taken", code == 0 and hash_of(folder) is not None, said)
    touch(f"{folder}/in/1.parquet")
    code, said, _ = run(folder)
    check("... touched, it is no new one", code == 0 and said == "nothing new", said)

    # A file that gets a content back which it had before is no new one.
    folder = make(f"{scratch}/back", ".csv")
    for text, wanted in ((b"a\n1\n", "1 new file"), (b"a\n2\n", "holds something else"), (b"a\n1\n", "nothing new"),
                         (b"a\n2\n", "nothing new"), (b"a\n3\n", "holds something else")):
        with open(f"{folder}/in/new", "wb") as out:
            out.write(text)
        os.replace(f"{folder}/in/new", f"{folder}/in/1.csv")
        code, said, _ = run(folder)
        check(f"its content becomes {text!r}: {wanted}", code == 0 and wanted in said, said)
    got = call(folder, "query", "SELECT a FROM 'lake/t' ORDER BY a")
    check("... and each is there once", got.stdout.split() == ["a", "1", "2", "3"], got.stdout)

    # The number of a device may change when a machine starts anew, and what lies on it is the same.
    def another_device(folder, keep_hashes):
        state = f"{folder}/lake/_tarn/k"
        for name in os.listdir(f"{state}/runs"):
            with open(f"{state}/runs/{name}", encoding="utf-8") as file:
                entry = json.load(file)
            for source in entry["sources"]:
                for one in source["inputs"]:
                    one["tag"] = "fff7-" + one["tag"].split("-", 1)[1]
            with open(f"{state}/runs/{name}", "w", encoding="utf-8") as file:
                json.dump(entry, file)
            if not keep_hashes and os.path.exists(f"{state}/done/{name}"):
                with open(f"{state}/done/{name}", encoding="utf-8") as file:
                    end = json.load(file)
                with open(f"{state}/done/{name}", "w", encoding="utf-8") as file:
                    json.dump({**end, "hashes": ["" for _ in end["hashes"]]}, file)

    for keep_hashes in (True, False):
        folder = make(f"{scratch}/device-{keep_hashes}", ".csv")
        with open(f"{folder}/in/1.csv", "wb") as out:
            out.write(csv(20_000_000))
        run(folder)
        another_device(folder, keep_hashes)
        code, said, read = run(folder)
        check(f"another device, {'with' if keep_hashes else 'without'} hashes: nothing is new, and not even read",
              code == 0 and said == "nothing new" and read < 5_000_000, (said, read))
    for point in ("ledger_written", "sink_1_done"):
        folder = make(f"{scratch}/device-{point}", ".csv")
        with open(f"{folder}/in/1.csv", "wb") as out:
            out.write(b"a\n1\n2\n")
        subprocess.run([tarn, "run", "p.toml"], cwd=folder, capture_output=True, timeout=300,
                       env=dict(os.environ, HOME=folder, TARN_STOP_AT=point))
        another_device(folder, True)
        code, said, _ = run(folder)
        check(f"another device after a kill at {point}: the run is finished", code == 0 and hash_of(folder) is not None,
              said)
        touch(f"{folder}/in/1.csv")
        code, said, _ = run(folder)
        got = call(folder, "query", "SELECT a FROM 'lake/t' ORDER BY a")
        check("... once", code == 0 and said == "nothing new" and got.stdout.split() == ["a", "1", "2"], (said, got.stdout))

finish()
