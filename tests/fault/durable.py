"""What counts as written is on the disk first; a full disk leaves the table as it was."""
import re
import shutil
import subprocess

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case, skip  # noqa: E402

tarn = Tarn()
table = tarn.file("table")


def strace():
    if shutil.which("strace") is None:
        return skip("order of fsync", "no strace")
    log = tarn.file("strace")
    sql = f"COPY (SELECT range AS a FROM range(1000)) TO '{table}' (FORMAT delta)"
    done = subprocess.run(["strace", "-f", "-y", "-o", log, "-e",
                           "trace=fsync,fdatasync,linkat,renameat,renameat2,rename,link,pwrite64,write,pwritev",
                           *tarn.words(sql)], capture_output=True, text=True)
    text = open(log).read()
    if done.returncode != 0 and "ptrace" in done.stderr:
        return skip("order of fsync", done.stderr.strip())
    lines = [l for l in text.split("\n") if table in l]
    links = [i for i, l in enumerate(lines) if re.search(r"\b(linkat|link|rename\w*)\(", l) and "= 0" in l]
    case("a data file and a log entry are linked", len(links) == 2, lines)
    for n, at in enumerate(links):
        what = ("data file", "log entry")[n]
        before, after = lines[:at], lines[at + 1:links[n + 1] if n + 1 < len(links) else None]
        since = before[links[n - 1] + 1:] if n > 0 else before
        writes = [i for i, l in enumerate(since) if re.search(r"\bp?writev?(64)?\(", l)]
        syncs = [i for i, l in enumerate(since) if re.search(r"\bf(data)?sync\(", l)]
        case(f"{what}: written, synced, then linked",
             writes and syncs and max(syncs) > max(writes), since)
        case(f"{what}: its folder is synced after",
             any(re.search(r"\bfsync\(", l) for l in after), after)


def full_disk():
    small = tarn.file("small")
    os.mkdir(small)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        return skip("full disk", mounted.stderr.strip())
    try:
        there = os.path.join(small, "table")
        first = tarn.run(f"COPY (SELECT range AS a FROM range(10)) TO '{there}' (FORMAT delta)")
        case("a small table fits", first.returncode == 0, first.stderr)
        before = sorted(os.listdir(os.path.join(there, "_delta_log")))
        big = tarn.run(f"COPY (SELECT hash(range)::BIGINT AS a FROM (SELECT range FROM range(9000000)) WHERE "
                       f"hash(range) < 9000000000000000000) TO '{there}' (FORMAT delta, MODE append)")
        case("a full disk is 75", big.returncode == 75, (big.returncode, big.stderr))
        case("a full disk is named", "space" in big.stderr.lower(), big.stderr)
        case("the table is as it was", tarn.rows(f"SELECT count(*) FROM '{there}'") == "10\n" and
             sorted(os.listdir(os.path.join(there, "_delta_log"))) == before, "")
        files = [f for f in os.listdir(there) if f.endswith(".parquet")]
        case("no file is left", len(files) == 1, files)
        out = os.path.join(small, "out.csv")
        for kind in ("csv", "parquet"):
            out = os.path.join(small, f"out.{kind}")
            done = tarn.run(f"COPY (SELECT hash(range) AS a FROM range(5000000)) TO '{out}'")
            case(f"{kind}: 75, and no file", done.returncode == 75 and not os.path.exists(out),
                 (done.returncode, done.stderr))
        done = subprocess.run([tarn.path, "query", "--memory", "64MB", "--temp-dir", small,
                               "SELECT count(*) FROM (SELECT range, hash(range) AS h FROM range(6000000) "
                               "ORDER BY h LIMIT 100000000)"], capture_output=True, text=True)
        case("no room to spill is 75, and says where", done.returncode == 75 and small in done.stderr,
             (done.returncode, done.stderr))
    finally:
        subprocess.run(["umount", "-l", small], capture_output=True)


def full_device():
    if not os.path.exists("/dev/full"):
        return skip("/dev/full", "not here")
    with open("/dev/full", "w") as full:
        done = subprocess.run(tarn.words("SELECT range FROM range(100000)"), stdout=full,
                              stderr=subprocess.PIPE, text=True)
    case("output to a full device is 75", done.returncode == 75, (done.returncode, done.stderr))


strace()
full_disk()
full_device()
tarn.close()
