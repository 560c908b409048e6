#!/usr/bin/env python3
"""Runs one row of the benchmark in one engine, in a process of its own, and prints what it measured as
one line of JSON: seconds of each repetition, CPU seconds, peak memory, the answer.

usage: worker.py ENGINE      with the task as JSON on standard input; bench/run starts it"""
import json
import os
import shutil
import resource
import sys
import time


def peak_bytes():
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def text_rows(rows):
    return [[None if value is None else str(value) for value in row] for row in rows]


class DuckDB:
    def __init__(self, task):
        import duckdb
        self.version = duckdb.__version__
        self.connection = duckdb.connect(config={"threads": task["threads"]})
        for name, path in task["tables"].items():
            self.connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{path}'")

    def query(self, sql):
        return text_rows(self.connection.execute(sql).fetchall())

    def sort(self, sql):
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE sorted AS {sql}")

    def at(self, position):
        return self.query(f"SELECT * FROM sorted LIMIT 1 OFFSET {position}")[0][0]

    def job(self, kind, source, target):
        assert kind == "parquet"
        self.connection.execute(f"COPY (SELECT * FROM read_csv('{source}')) TO '{target}' (FORMAT parquet)")


class Polars:
    def __init__(self, task):
        import polars
        self.polars, self.version = polars, polars.__version__
        frames = {name: polars.scan_csv(path, try_parse_dates=True) if path.endswith(".csv") else polars.scan_parquet(path)
                  for name, path in task["tables"].items()}
        self.context = polars.SQLContext(frames)

    def run(self, sql):
        return self.context.execute(sql).collect(engine="streaming")

    def query(self, sql):
        return text_rows(self.run(sql).rows())

    def sort(self, sql):
        self.sorted = self.run(sql)

    def at(self, position):
        return str(self.sorted.row(position)[0])

    def job(self, kind, source, target):
        frame = self.polars.scan_csv(source, try_parse_dates=True)
        if kind == "parquet":
            frame.sink_parquet(target, engine="streaming")
        else:
            frame.sink_delta(target, mode="append")


class DataFusion:
    def __init__(self, task):
        import datafusion
        self.version = datafusion.__version__
        config = datafusion.SessionConfig().with_target_partitions(task["threads"])
        self.context = datafusion.SessionContext(config)
        for name, path in task["tables"].items():
            if not path.endswith(".csv"):
                self.context.register_parquet(name, path)

    def query(self, sql):
        batches = self.context.sql(sql).collect()
        return text_rows(row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns)))

    def sort(self, sql):
        import pyarrow
        self.sorted = pyarrow.Table.from_batches(self.context.sql(sql).collect())

    def at(self, position):
        return str(self.sorted.column(0)[position].as_py())

    def job(self, kind, source, target):
        import deltalake
        import pyarrow
        if not self.context.table_exist("source"):
            self.context.register_csv("source", source)
        stream = pyarrow.RecordBatchReader.from_stream(self.context.table("source"))
        if kind == "delta":
            deltalake.write_deltalake(target, stream, mode="append")
        else:
            self.context.table("source").write_parquet(target)


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.unlink(path)


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in ("duckdb", "polars", "datafusion"):
        print(__doc__)
        return 2
    task = json.load(sys.stdin)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:task["threads"]])
    os.environ["POLARS_MAX_THREADS"] = os.environ["TOKIO_WORKER_THREADS"] = str(task["threads"])
    engine = {"duckdb": DuckDB, "polars": Polars, "datafusion": DataFusion}[sys.argv[1]](task)
    seconds, answer, cpu = [], None, 0.0
    for round_number in range(task["repetitions"] + 1):
        if task["kind"] == "job":
            remove(task["target"])
        cpu_before, began = cpu_seconds(), time.perf_counter()
        if task["kind"] in ("table", "parse"):
            answer = engine.query(task["sql"])
        elif task["kind"] == "sort":
            engine.sort(task["sql"])
        else:
            engine.job(task["sql"], task["tables"]["csv"], task["target"])
        if round_number > 0:  # the first warms caches
            seconds.append(time.perf_counter() - began)
            cpu += cpu_seconds() - cpu_before
    peak = peak_bytes()
    if task["kind"] == "sort":
        answer = [[engine.at(position)] for position in task["positions"]]
    print(json.dumps({"seconds": seconds, "cpu": cpu / len(seconds), "peak": peak, "answer": answer,
                      "version": engine.version}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
