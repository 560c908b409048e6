"""One Spark for all: reads the tables in OURS and compares them with what is expected there, then writes
its own to THEIRS, in one JVM, since starting and warming one takes longest.

usage: spark_once.py TOOLS OURS THEIRS      (TOOLS: the folder of spark_check.py)
Prints the lines of `spark_check.py verify`, a line "= written", and those of `spark_check.py write`."""
import argparse
import pathlib
import sys
import time

# Tables of a few rows: compiling what reads them takes longer than interpreting it.
SETTINGS = ["spark.sql.codegen.wholeStage=false", "spark.sql.codegen.factoryMode=NO_CODEGEN",
            "spark.sql.adaptive.enabled=false", "spark.shuffle.compress=false",
            "spark.sql.sources.parallelPartitionDiscovery.threshold=100000"]


def main():
    tools, ours, theirs = sys.argv[1:]
    sys.path.insert(0, tools)
    import spark_check
    # its prints go two ways; here to one, in the order in which they happen
    sys.stderr = sys.stdout
    options = argparse.Namespace(jars=None, conf=SETTINGS, cores=2, memory="1g", only=None)
    begun = time.monotonic()
    failed = 0
    if any((path / "table").is_dir() for path in pathlib.Path(ours).iterdir()):
        failed = spark_check.cmd_verify(argparse.Namespace(**vars(options), out=ours))
    print(f"= written (after {time.monotonic() - begun:.0f} s)", flush=True)
    failed |= spark_check.cmd_write(argparse.Namespace(**vars(options), out=theirs))
    print(f"= done (after {time.monotonic() - begun:.0f} s)", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
