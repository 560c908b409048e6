#!/usr/bin/env python3
"""Reads each OUT/NAME/table with DuckDB's delta_scan and compares the rows with OUT/NAME/expected.jsonl.

usage: duckdb_check.py OUT TOOLS [NAME...]      (TOOLS: the folder of canon_rows.py, deltars_check.py)
Prints a line for each: same, DIFFERENT or FAILED.  Needs duckdb, duckdb-extension-delta, pyarrow."""
import pathlib
import sys

import pyarrow as pa

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import others  # noqa: E402


def main():
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    out, tools, wanted = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    sys.path.insert(0, tools)
    import canon_rows
    import deltars_check
    connection = others.duckdb_with_delta()
    bad = 0
    for home in sorted(out.iterdir()):
        name = home.name
        if not (home / "table").is_dir() or not (home / "expected.jsonl").is_file() or wanted and name not in wanted:
            continue
        try:
            uri = str(home / "table").replace("'", "''")
            table = connection.execute(f"SELECT * FROM delta_scan('{uri}')").to_arrow_table()
            got, _ = deltars_check.rows_of(pa.table(table))
            want, _ = canon_rows.load(home / "expected.jsonl")
            difference = canon_rows.difference(got, want)
            print(("DIFFERENT " if difference else "same      ") + name)
            print("".join(f"   {line[:500]}\n" for line in difference), end="")
            bad += bool(difference)
        except Exception as error:  # whatever it says about a table is the answer
            bad += 1
            print(f"FAILED    {name}: {type(error).__name__}: {str(error)[:300]}")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
