#!/usr/bin/env python3
"""Makes the data of the benchmarks with DuckDB: the same rows on every machine.

usage: data.py FOLDER SCALE      (SCALE: 1 is 20 M rows and 6 M lines of the CSV file)
  t.parquet                        20 M rows: numbers, keys, strings, the columns of TPC-H Q1 and Q6
  dense.parquet, sparse.parquet    the build sides of joins: 100 k and 5 M rows
  lineitem_plain.parquet, lineitem_snappy.parquet    TPC-H lineitem, the first 3 M rows
  lineitem.csv                     TPC-H lineitem, all of it
The numbers are those of a hash, not of a random generator, so that nothing depends on threads."""
import glob
import os
import pathlib
import sys

import duckdb
import duckdb_extension_tpch

T = """SELECT
    i, (hash(i) % 100000000) / 1000000.0 AS x,
    CAST(hash(i + 1) % 100 AS INTEGER) AS g100, CAST(hash(i + 2) % {g2m} AS INTEGER) AS g2m,
    'customer#' || lpad(CAST(hash(i + 3) % {s1m} AS VARCHAR), 7, '0') AS s1m,
    CAST(hash(i + 4) % {dense} AS INTEGER) AS k100k,
    CAST(hash(hash(i + 5) % {sparse}) % 1000000000000 AS BIGINT) AS k5m,
    CAST(hash(i + 6) % 9000000000000000000 AS BIGINT) - 4500000000000000000 AS r,
    CAST(hash(i + 7) % 50 + 1 AS DECIMAL(15,2)) AS quantity,
    CAST((hash(i + 8) % 10000000 + 90000) / 100.0 AS DECIMAL(15,2)) AS price,
    CAST((hash(i + 9) % 11) / 100.0 AS DECIMAL(15,2)) AS discount,
    CAST((hash(i + 10) % 9) / 100.0 AS DECIMAL(15,2)) AS tax,
    ['A', 'N', 'R'][CAST(hash(i + 11) % 3 + 1 AS BIGINT)] AS flag,
    ['F', 'O'][CAST(hash(i + 12) % 2 + 1 AS BIGINT)] AS status,
    DATE '1992-01-02' + CAST(hash(i + 13) % 2526 AS INTEGER) AS shipped,
    {word} || ' ' || {word2} || ' ' || {word3} || ' ' || {word4} AS words
    FROM range({rows}) AS q(i)"""
WORDS = ("['carefully', 'special', 'ironic', 'final', 'deposits', 'requests', 'pending', 'quickly', 'bold', "
         "'accounts', 'furiously', 'theodolites', 'packages', 'regular', 'express', 'unusual']")


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    folder, scale = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})

    def write(name, sql, options="FORMAT parquet, COMPRESSION snappy"):
        if not (folder / name).exists():
            print(f"making {name}", flush=True)
            connection.execute(f"COPY ({sql}) TO '{folder / name}.part' ({options})")
            os.rename(f"{folder / name}.part", folder / name)

    sizes = {"rows": int(20e6 * scale), "g2m": max(1, int(2e6 * scale)), "s1m": max(1, int(1e6 * scale)),
             "dense": max(1, int(1e5 * scale)), "sparse": max(1, int(5e6 * scale))}
    words = {f"word{n or ''}": f"{WORDS}[CAST(hash(i + {20 + n}) % 16 + 1 AS BIGINT)]" for n in (0, 2, 3, 4)}
    write("t.parquet", T.format(**sizes, **words))
    write("dense.parquet", "SELECT CAST(i AS INTEGER) AS k, CAST(hash(i) % 1000 AS INTEGER) AS v "
          f"FROM range({sizes['dense']}) AS q(i)")
    # Two rows of equal key would make the join's size a matter of luck.
    write("sparse.parquet", "SELECT k, any_value(v) AS v FROM ("
          f"SELECT CAST(hash(i) % 1000000000000 AS BIGINT) AS k, i % 1000 AS v FROM range({sizes['sparse']}) AS q(i)"
          ") GROUP BY k")
    lineitem = ("lineitem_plain.parquet", "lineitem_snappy.parquet", "lineitem.csv")
    if not all((folder / name).exists() for name in lineitem):
        extension = os.path.dirname(duckdb_extension_tpch.__file__) + "/extensions/*/tpch.duckdb_extension"
        connection.execute(f"LOAD '{glob.glob(extension)[0]}'")
        print("making lineitem", flush=True)
        connection.execute(f"CALL dbgen(sf = {scale})")
        first = f"SELECT * FROM lineitem LIMIT {int(3e6 * scale)}"
        write("lineitem_plain.parquet", first, "FORMAT parquet, COMPRESSION uncompressed")
        write("lineitem_snappy.parquet", first)
        write("lineitem.csv", "FROM lineitem", "FORMAT csv, HEADER")
    return 0


if __name__ == "__main__":
    sys.exit(main())
