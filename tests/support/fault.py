"""What the whole-program tests share: running the command, counting cases, an empty folder."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

passed, failed = 0, 0


def case(name, good, why=""):
    global passed, failed
    print(f"{'ok  ' if good else 'FAIL'} {name}{'' if good else ': ' + str(why)}", flush=True)
    passed, failed = passed + bool(good), failed + (not good)
    return good


def finish():
    """The closing line, and the end."""
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 and passed > 0 else 1)


def skip(name, why):
    print(f"SKIPPED: {name}: {why}", flush=True)


class Tarn:
    """The command in a folder of its own."""

    def __init__(self):
        if len(sys.argv) != 2:
            sys.exit(f"usage: {sys.argv[0]} TARN")
        self.path = os.path.abspath(sys.argv[1])
        self.folder = tempfile.mkdtemp(prefix="tarn-fault-")
        self.temp = os.path.join(self.folder, "temp")
        os.mkdir(self.temp)

    def file(self, name):
        return os.path.join(self.folder, name)

    def words(self, sql, *options):
        return [self.path, "query", "--temp-dir", self.temp, *options, sql]

    def run(self, sql, *options, timeout=500, **more):
        return subprocess.run(self.words(sql, *options), capture_output=True, text=True,
                              timeout=timeout, cwd=self.folder, **more)

    def rows(self, sql, *options):
        """The rows as CSV without their header; or what went wrong."""
        done = self.run(sql, *options)
        return done.stdout.split("\n", 1)[1] if done.returncode == 0 else done.stderr

    def figures(self, sql, *options):
        done = self.run(sql, "--stats", *options)
        last = done.stderr.strip().split("\n")[-1]
        return done, json.loads(last) if last.startswith("{") else {}

    def left_over(self):
        return os.listdir(self.temp)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        finish()
