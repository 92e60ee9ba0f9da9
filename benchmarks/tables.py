"""What reading and splitting a long table takes, in seconds and memory.

    python benchmarks/tables.py [--rounds N] [--rows N ...] [--columns N ...]

The floor is polars, which turns the same CSV into parquet as a stream and checks nothing; pandas
does so with the whole table in memory and is left out above 5 million rows. Beside them are the
stages `ingest` and `preprocess`. Last, `ingest` runs with one thread and with two under
`reproducibility: fast`, to see whether it writes the same bytes.

With `--columns`, tables of so many columns instead, a fiftieth of them texts, and of 200 rows or as
many as `--rows` says: what `use`, `ingest` and `preprocess` take for each column.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from _table import count, use_table
from _timing import Case, compare
from run import make_project
from strict import setting

POLARS = "import sys, polars; polars.scan_csv(sys.argv[1]).sink_parquet(sys.argv[2])"
PANDAS = "import sys, pandas; pandas.read_csv(sys.argv[1]).to_parquet(sys.argv[2])"
MOST_FOR_PANDAS = 5_000_000
INGEST = ["python", "-m", "my_project.ingest"]
PREPROCESS = ["python", "-m", "my_project.preprocess"]
WIDE = """
import sys, numpy, pandas
path, columns, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng, texts = numpy.random.default_rng(0), columns // 50
for start in range(0, rows, 1000):
    size = min(1000, rows - start)
    numbers = pandas.DataFrame(rng.normal(size=(size, columns - texts)).round(3))
    words = pandas.DataFrame(rng.choice(["red", "green", "blue", ""], (size, texts)))
    table = pandas.concat([numbers.add_prefix("number_"), words.add_prefix("word_")], axis=1)
    table = table.assign(target=numpy.where(rng.random(size) > 0.5, "a", "b"))
    table.to_csv(path, index=False, header=not start, mode="a" if start else "w")
"""


def ingested_with(threads: int, project: Path) -> str:
    """The hash of what `ingest` writes when the libraries may start `threads` threads."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    subprocess.run(INGEST, cwd=project, env=environment, check=True, capture_output=True)
    with (project / "data" / "interim" / "dataset.parquet").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def time_table(project: Path, rows: int, scratch: Path, rounds: int) -> None:
    """Print the table of one size, and what follows from it."""
    table = use_table(project, rows)
    size = table.stat().st_size / 1e6
    files = [str(table), str(scratch / "floor.parquet")]
    floors = [Case("polars scan_csv, sink_parquet", ["python", "-c", POLARS, *files], project)]
    if rows <= MOST_FOR_PANDAS:
        command = ["python", "-c", PANDAS, *files]
        floors.append(Case("pandas read_csv, to_parquet", command, project))
    ingest = Case("ingest", INGEST, project)
    preprocess = Case("preprocess", PREPROCESS, project)
    compare(f"{rows:,} rows, {size:,.0f} MB of CSV", [*floors, ingest, preprocess], rounds)
    read, split = statistics.median(ingest.seconds), statistics.median(preprocess.seconds)
    print(
        f"\ningest: {rows / read:,.0f} rows or {size / read:,.0f} MB a second; "
        f"preprocess: {rows / split:,.0f} rows a second, {split / read:.2f} of ingest's time"
    )
    setting(project, "fast")()
    same = len({ingested_with(threads, project) for threads in (1, 2)}) == 1
    setting(project, "strict")()
    print(f"ingest writes {'the same' if same else 'OTHER'} bytes with two threads as with one")


def time_columns(project: Path, columns: int, rows: int, scratch: Path, rounds: int) -> None:
    """Print the table of so many columns, and how many of them are gone through in a second."""
    file = scratch / "wide.csv"
    write = ["python", "-c", WIDE, str(file), str(columns), str(rows)]
    subprocess.run(write, cwd=project, check=True)
    use = ["python", "-m", "my_project", "use", str(file), "--target", "target", "--replace"]
    subprocess.run(use, cwd=project, check=True, capture_output=True)
    cases = [
        Case("use --dry-run", [*use, "--dry-run"], project),
        Case("ingest", INGEST, project),
        Case("preprocess", PREPROCESS, project),
    ]
    compare(f"{columns:,} columns, {rows:,} rows", cases, rounds)
    rates = [f"{case.name} {columns / statistics.median(case.seconds):,.0f}" for case in cases]
    print(f"\nColumns a second: {', '.join(rates)}")


def main(rounds: int, rows: list[int], columns: list[int]) -> None:
    """Print a table for each number of columns, or else of rows."""
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), [])
        for number in columns:
            for length in rows or [200]:
                time_columns(project, number, length, Path(scratch), rounds)
        if columns:
            return
        python = str(project / ".venv")
        command = ["uv", "pip", "install", "--quiet", "--python", python, "polars"]
        subprocess.run(command, check=True)
        for number in rows or [1_000_000]:
            time_table(project, number, Path(scratch), rounds)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rows", type=count, nargs="+", default=[])
    options.add_argument("--columns", type=count, nargs="+", default=[])
    main(**vars(options.parse_args()))
