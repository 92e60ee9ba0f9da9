"""A made-up table of customers, as long as is asked for, and the contract that it keeps.

    python benchmarks/_table.py ROWS FILE [--seed N]

A row is about 123 bytes of CSV in 18 columns. Writing needs numpy and pyarrow and holds one batch
in memory; the other scripts run it with the Python of a generated project.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

BATCH = 500_000
SCORES = [f"score_{number}" for number in range(5)]
SCORE_LINES = "\n".join(
    f"  {name}: {{type: numeric, range: [-10, 10], meaning: a score}}" for name in SCORES
)
DEVICES = [f"device {number}" for number in range(12)]
CONTRACT = f"""\
title: Customers and who left
source: made up for the benchmarks
licence: CC0 1.0

target: churned
missing: ["", "NA"]

columns:
  customer_id: {{type: identifier, unique: true, meaning: number of the customer}}
  age: {{type: integer, unit: years, range: [18, 120], meaning: age}}
  income: {{type: numeric, range: [0, null], nullable: true, meaning: income of a year}}
  region:
    type: categorical
    categories: [north, south, east, west, centre]
    meaning: where the customer lives
  plan: {{type: categorical, categories: [basic, plus, pro, max], meaning: what is paid for}}
  device:
    type: categorical
    categories: [{", ".join(DEVICES)}]
    meaning: what the last visit was made with
  satisfaction: {{type: ordered, categories: [low, medium, high], meaning: answer to a letter}}
  signup: {{type: datetime, meaning: when the customer came}}
  visits: {{type: integer, range: [0, 1000], meaning: visits in the last year}}
  orders: {{type: integer, range: [0, 1000], nullable: true, meaning: orders in the last year}}
{SCORE_LINES}
  balance: {{type: numeric, range: [-10000, 10000], meaning: what is on the account}}
  newsletter: {{type: binary, categories: ["no", "yes"], meaning: whether letters are wanted}}
  churned: {{type: binary, categories: ["no", "yes"], meaning: whether the customer left}}
"""


def count(text: str) -> int:
    """A number of rows, also written as 5e6."""
    return int(float(text))


def make_batch(rng, start: int, rows: int):
    """A pyarrow table of `rows` customers whose numbers begin with `start`."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    def drawn(names):
        return pa.array(names).take(pa.array(rng.integers(len(names), size=rows)))

    def some(share):
        return rng.random(rows) < share

    def answers(yes):
        return pa.array(["no", "yes"]).take(pa.array(yes.astype(int)))

    numbers = pc.utf8_lpad(pa.array(np.arange(start, start + rows)).cast("string"), 9, "0")
    age = rng.integers(18, 90, rows)
    region = drawn(["north", "south", "east", "west", "centre"])
    days = rng.integers(0, 4 * 365 * 86_400, rows).astype("timedelta64[s]")
    scores = {name: np.round(rng.normal(size=rows), 4) for name in SCORES}
    likely = 0.6 * scores["score_0"] - 0.4 * scores["score_1"] - (age - 50) / 40
    likely += pc.equal(region, "east").to_numpy(zero_copy_only=False)
    return pa.table(
        {
            "customer_id": pc.binary_join_element_wise("C", numbers, ""),
            "age": age,
            "income": pa.array(np.round(rng.lognormal(10.5, 0.6, rows), 2), mask=some(0.03)),
            "region": region,
            "plan": drawn(["basic", "plus", "pro", "max"]),
            "device": drawn(DEVICES),
            "satisfaction": drawn(["low", "medium", "high"]),
            "signup": pa.array(np.datetime64("2020-01-01T00:00:00") + days).cast("string"),
            "visits": rng.poisson(12, rows),
            "orders": pa.array(rng.poisson(3, rows), mask=some(0.02)),
            **scores,
            "balance": np.round(rng.normal(1000, 300, rows), 2),
            "newsletter": answers(some(0.3)),
            "churned": answers(likely + rng.logistic(size=rows) > 0.5),
        }
    )


def write_table(rows: int, path: Path, seed: int = 1) -> None:
    """Write `rows` customers as CSV; the same ones for the same seed."""
    import numpy as np
    from pyarrow.csv import CSVWriter, WriteOptions

    rng = np.random.default_rng(seed)
    # The writer quotes the cells of a header whatever it is told.
    options = WriteOptions(include_header=False, quoting_style="none")
    with path.open("wb") as file:
        schema = make_batch(np.random.default_rng(seed), 0, 1).schema
        file.write(f"{','.join(schema.names)}\n".encode())
        with CSVWriter(file, schema, write_options=options) as writer:
            for start in range(0, rows, BATCH):
                writer.write(make_batch(rng, start, min(BATCH, rows - start)))


def run_write_table(project: Path, rows: int, path: Path, seed: int = 1) -> None:
    """Write the table with the Python of `project`, which has what that needs."""
    python = project / ".venv" / "bin" / "python"
    command = [python, __file__, str(rows), path, "--seed", str(seed)]
    subprocess.run(command, check=True)


def use_table(project: Path, rows: int) -> Path:
    """Have `project`, which had iris, work on a table of `rows` customers; returns its file."""
    table = project / "data" / "raw" / "table.csv"
    run_write_table(project, rows, table)
    table.with_name("iris.csv").unlink(missing_ok=True)
    (project / "references" / "schema.yaml").write_text(CONTRACT, encoding="utf-8")
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("data/raw/iris.csv", "data/raw/table.csv")
    params.write_text(text, encoding="utf-8")
    return table


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("rows", type=count)
    options.add_argument("path", type=Path, metavar="file")
    options.add_argument("--seed", type=int, default=1)
    write_table(**vars(options.parse_args()))
