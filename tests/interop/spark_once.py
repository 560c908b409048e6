"""One Spark for all: writes its own tables to THEIRS, waits for a line on its input, then reads the tables in
each FOLDER and compares them with what is expected there; in one JVM, since starting and warming one takes longest.

usage: spark_once.py TOOLS THEIRS FOLDER...      (TOOLS: the folder of spark_check.py)
Prints the lines of `spark_check.py write`, a line "= written", and those of `spark_check.py verify`."""
import argparse
import pathlib
import sys
import time

# Tables of a few rows: compiling what reads them takes longer than interpreting it.
SETTINGS = ["spark.sql.codegen.wholeStage=false", "spark.sql.codegen.factoryMode=NO_CODEGEN",
            "spark.sql.adaptive.enabled=false", "spark.shuffle.compress=false",
            "spark.sql.sources.parallelPartitionDiscovery.threshold=100000"]


def main():
    tools, theirs, *folders = sys.argv[1:]
    sys.path.insert(0, tools)
    import spark_check
    # its prints go two ways; here to one, in the order in which they happen
    sys.stderr = sys.stdout
    options = argparse.Namespace(jars=None, conf=SETTINGS, cores=2, memory="1g", only=None)
    begun = time.monotonic()
    failed = spark_check.cmd_write(argparse.Namespace(**vars(options), out=theirs))
    print(f"= written (after {time.monotonic() - begun:.0f} s)", flush=True)
    sys.stdin.readline()
    for folder in folders:
        if pathlib.Path(folder).is_dir():
            failed |= spark_check.cmd_verify(argparse.Namespace(**vars(options), out=folder))
    print(f"= done (after {time.monotonic() - begun:.0f} s)", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
