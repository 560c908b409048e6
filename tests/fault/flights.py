#!/usr/bin/env python3
"""The demo's story makes its tables from the files that are there: with a month taken away it tells other
totals, and those of the other months stay.  usage: flights.py TARN"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import case as check, finish  # noqa: E402

tarn = os.path.abspath(sys.argv[1])
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tell(example, work):
    environment = dict(os.environ, PATH=os.path.dirname(tarn) + os.pathsep + os.environ["PATH"])
    return subprocess.run([f"{example}/story", work], env=environment, capture_output=True, text=True,
                          timeout=300)


def lines(path):
    with open(path, encoding="utf-8") as text:
        return text.read().splitlines()


with tempfile.TemporaryDirectory() as scratch:
    whole = f"{root}/examples/flights"
    told = tell(whole, f"{scratch}/whole")
    check("the story ends well, with both tables as DuckDB has them",
          told.returncode == 0 and told.stdout.count("\nequal: ") == 3, told.stdout[-2000:])
    check("a broken file is set aside with its line, a wholly broken one stops the run",
          "line   | 182" in told.stdout and "above max_ratio" in told.stdout, told.stdout[-2000:])
    copy = f"{scratch}/example"
    shutil.copytree(whole, copy)
    os.remove(f"{copy}/landing/flights-2001-03.parquet")
    told = tell(copy, f"{scratch}/less")
    check("without March it says that the tables differ",
          told.returncode == 1 and told.stdout.count("\nDIFFERENT: ") == 3, told.stdout[-2000:])
    expected = lines(f"{whole}/expected/months.csv")
    got = lines(f"{scratch}/less/flights/got-months.csv")
    check("... in March alone", got == [line for line in expected if not line.startswith("2001-03")],
          str(got))

finish()
