"""Pipelines on S3: killed at each named point, with inputs gone or replaced, and by several runners at once."""
import csv
import io
import signal
import threading
import time

from shop import landing, pipeline
from support import Tarn, case, check

TABLES = {"clean": "id, shop, amount", "sums": "shop, sales, amount", "bad": "source, line, reason, raw"}


class Shop:
    """A pipeline below a prefix of its own."""

    def __init__(self, tarn, name):
        self.tarn = Tarn(tarn.path, tarn.file(name), f"{tarn.home}/{name}")
        self.tarn.write("pipeline.toml", pipeline(self.tarn.home))
        self.land(1)

    def land(self, number, broken=True):
        self.tarn.run("cp", "-", f"{self.tarn.home}/landing/{number}.csv", stdin=landing(number, broken).encode())

    def remove(self, number):
        self.tarn.run("rm", f"{self.tarn.home}/landing/{number}.csv")

    def go(self, stop=None, *arguments):
        return self.tarn.ran("run", *arguments, "pipeline.toml", environment={"TARN_STOP_AT": stop} if stop else {})

    def killed(self, point):
        check(self.go(point).returncode == -signal.SIGKILL, "was not killed at", point)

    def rows(self, table):
        got = self.tarn.ran("query", f"SELECT {TABLES[table]} FROM '{self.tarn.home}/lake/{table}'", "--format", "csv")
        if got.returncode != 0:
            return []
        return sorted(tuple(row) for row in list(csv.reader(io.StringIO(got.stdout.decode())))[1:])

    def tables(self):
        return {table: self.rows(table) for table in TABLES}


def undisturbed(tarn):
    shop = Shop(tarn, "undisturbed")
    check(shop.go().returncode == 0)
    first = shop.tables()
    check([len(first[t]) for t in TABLES] == [198, 2, 2], {t: len(first[t]) for t in TABLES})
    shop.land(2)
    check(shop.go().returncode == 0)
    points = Shop(tarn, "list").go("list").stderr.decode().split("hint:")[1].split()
    check(len(points) >= 12, points)
    return first, shop.tables(), points


def killed_twice(tarn, half):
    first, second, points = undisturbed(tarn)
    for point in [p for p in points if not p.startswith("void_")][half::2]:
        shop = Shop(tarn, point)
        shop.killed(point)  # when no table is there yet
        again = shop.go()
        check(again.returncode == 0 and shop.tables() == first, point, again.stderr.decode())
        shop.land(2)
        shop.killed(point)  # and when they are
        again = shop.go()
        check(again.returncode == 0 and shop.tables() == second, point, "later", again.stderr.decode())
        third = shop.go()
        check(third.stderr.decode().strip() == "nothing new", point, third.stderr.decode())


@case
def a_run_killed_at_any_point_is_made_whole(tarn):
    killed_twice(tarn, 0)


@case
def a_run_killed_at_any_other_point_is_made_whole(tarn):
    killed_twice(tarn, 1)


def input_gone(tarn, what):
    first, second, points = undisturbed(tarn)
    for point in [p for p in points if not p.startswith("void_")]:
        shop = Shop(tarn, point)
        check(shop.go().returncode == 0)
        shop.land(2)
        shop.killed(point)
        landed = sum(len(rows) > len(first[table]) for table, rows in shop.tables().items())
        shop.remove(2)
        if what == "replaced":
            shop.land(2, broken=False)
        again = shop.go()
        said, got = again.stderr.decode(), shop.tables()
        where = f"killed at {point}, input {what}, {landed} of 3 tables had it: exit {again.returncode} {said}"
        if 0 < landed < 3:
            check(again.returncode == 1 and "landing/2.csv" in said and "--run 2" in said, where)
            shop.tarn.run("reset", "--run", "2", "--yes", "pipeline.toml")
            check(shop.go().returncode == 0, where)
        elif landed == 3:
            check(again.returncode == 0 and len(got["clean"]) == len(second["clean"]) + (199 if what == "replaced" else 0), where)
        else:
            check(again.returncode == 0, where)
            check(got == first if what == "deleted" else len(got["clean"]) == len(first["clean"]) + 199, where)


@case
def a_run_whose_input_was_deleted_meanwhile_is_closed(tarn):
    input_gone(tarn, "deleted")


@case
def a_run_whose_input_was_replaced_meanwhile_is_closed(tarn):
    input_gone(tarn, "replaced")


@case
def closing_a_run_may_be_killed_too(tarn):
    points = Shop(tarn, "list").go("list").stderr.decode().split("hint:")[1].split()
    for point in [p for p in points if p.startswith("void_")]:
        shop = Shop(tarn, point)
        shop.killed("ledger_written")
        shop.remove(1)
        shop.land(3)
        shop.killed(point)
        again = shop.go()
        check(again.returncode == 0 and len(shop.rows("clean")) == 198, point, again.stderr.decode())


@case
def several_runners_of_one_entry_write_it_once(tarn):
    first, _, _ = undisturbed(tarn)
    for start in (None, "staged", "ledger_written"):
        shop = Shop(tarn, f"from-{start}")
        if start:
            shop.killed(start)
        results = []
        runners = [threading.Thread(target=lambda: results.append(shop.go())) for _ in range(3)]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
        said = " | ".join(f"{r.returncode} {r.stderr.decode()}" for r in results)
        check(all(r.returncode == 0 for r in results), start, said)
        check(shop.tables() == first, start, said)
        check(shop.go().stderr.decode().strip() == "nothing new")


@case
def a_run_that_is_given_up_while_a_runner_works_on_it_is_not_committed(tarn):
    for point, tables in (("conserved", 0), ("sink_1_done", 1)):
        shop = Shop(tarn, point)
        late = []
        runner = threading.Thread(target=lambda: late.append(
            shop.tarn.ran("run", "pipeline.toml", environment={"TARN_HOLD_AT": point})))
        runner.start()
        while tables == 1 and not shop.rows("clean"):
            time.sleep(0.02)
        for _ in range(200):
            given_up = shop.tarn.ran("reset", "--run", "1", "--yes", "pipeline.toml")
            if given_up.returncode == 0:
                break
            time.sleep(0.02)
        runner.join()
        check(given_up.returncode == 0 and late[0].returncode == 0, point, given_up.stderr.decode(), late[0].stderr.decode())
        check(shop.go().stderr.decode().strip() == "nothing new")
        got = {table: len(rows) for table, rows in shop.tables().items()}
        # What was committed stays, and the next run takes the input again.
        check(got == {"clean": 198 * (1 + tables), "sums": 2, "bad": 2 * (1 + tables)}, point, got, late[0].stderr.decode())
