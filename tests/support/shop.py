"""A pipeline with a source, two tables and a quarantine, and what it takes: on a disk or below a URI."""

PIPELINE = """
[pipeline]
name = "shop"

[[source]]
id      = "raw"
uri     = "HOME/landing/*.csv"
columns = { id = "BIGINT NOT NULL", amount = "DECIMAL(10,2)" }
on_bad_record = "quarantine"

[[step]]
id  = "clean"
sql = "SELECT id, shop, amount FROM raw"

[[expect]]
on     = "clean"
name   = "known shop"
rule   = "shop IN ('n', 's')"
action = "quarantine"

[[step]]
id  = "sums"
sql = "SELECT shop, count(*) AS sales, sum(amount) AS amount FROM clean GROUP BY shop"

[[sink]]
from = "clean"
to   = "HOME/lake/clean"
partition_by = ["shop"]

[[sink]]
from = "sums"
to   = "HOME/lake/sums"

[quarantine]
to = "HOME/lake/bad"
"""


def pipeline(home=""):
    """Its text, with all of it below `home`, or beside the file."""
    return PIPELINE.replace("HOME/", home + "/" if home else "")


def landing(number, broken=True):
    """A file of 200 rows: the eighth breaks an expectation, and the tenth, where broken, is no record."""
    lines = [f"{number * 1000 + i},{'nowhere' if i == 7 else 'ns'[i % 2]},{'much' if i == 9 and broken else f'{i}.50'}"
             for i in range(200)]
    return "id,shop,amount\n" + "\n".join(lines) + "\n"
