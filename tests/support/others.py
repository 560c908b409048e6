"""The Python in which other engines are installed (scripts/setup deltars), for tests that ask one of them."""
import glob
import os
import pathlib
import sys

VENV = pathlib.Path(__file__).resolve().parent.parent.parent / "build/venv/deltars"


def enter():
    """Starts the test anew in that Python where there is one; where not, imports fail as they would."""
    python = VENV / "bin/python"
    if pathlib.Path(sys.prefix) != VENV and python.exists():
        sys.stdout.flush()
        os.execv(python, [str(python), *sys.argv])


def duckdb_with_delta():
    """A connection that knows Delta tables, with nothing loaded from elsewhere."""
    import duckdb
    import duckdb_extension_delta
    where = os.path.dirname(duckdb_extension_delta.__file__) + "/extensions/*/delta.duckdb_extension"
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    connection.execute(f"LOAD '{glob.glob(where)[0]}'")
    return connection
