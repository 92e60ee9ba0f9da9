"""What taking a table out of PostgreSQL takes, in seconds and memory.

    python benchmarks/databases.py [--rounds N] [--rows N ...]

A server of its own is started and filled; Debian's package postgresql has it. The floor is the
server's own: `COPY` to a file of CSV by psql, in the order of the key. Beside it are the parquet
file that `use` makes, in the same order, and pandas, which holds the whole table: left out above 5
million rows.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from _table import count
from _timing import Case, compare
from endurance import POSTGRESQL, Cluster
from run import make_project

MOST_FOR_PANDAS = 5_000_000
COLUMNS = """
    i as id,
    18 + i * 7919 % 70 as age,
    (i * 104729 % 10000000 / 100.0)::numeric(12, 2) as income,
    (array['north', 'south', 'east', 'west', null])[1 + i * 31 % 5] as region,
    'device ' || i * 17 % 12 as device,
    timestamp '2020-01-01' + i * 7907 % 126144000 * interval '1 second' as signup,
    sin(i) as score,
    cos(i) as other_score,
    i * 13 % 7 = 0 as newsletter,
    case when i * 7919 % 3 = 0 then 'yes' else 'no' end as churned
"""
OURS = """
import sys
from pathlib import Path
from lockstep.core.table import table_writers
from lockstep.reading.postgresql import copy_table
with table_writers(Path(sys.argv[2])) as (rows,):
    for batch in copy_table(sys.argv[1], "database", "customers"):
        rows.write(batch)
"""
PANDAS = """
import sys, pandas, sqlalchemy
engine = sqlalchemy.create_engine(sys.argv[1].replace("://", "+psycopg://"))
rows = pandas.read_sql("select * from customers order by id", engine)
rows.to_parquet(sys.argv[2])
"""


def time_table(project: Path, cluster: Cluster, rows: int, scratch: Path, rounds: int) -> None:
    """Print the table of one size."""
    cluster.ask("drop table if exists customers")
    cluster.ask(
        f"create table customers as select {COLUMNS} from generate_series(1, {rows}::bigint) i "
        "order by i * 7919 % 1000003"
    )
    cluster.ask("alter table customers add primary key (id)")
    cluster.ask("analyze customers")
    copy = f"\\copy (select * from customers order by id) to '{scratch}/floor.csv' (format csv)"
    python = str(project / ".venv" / "bin" / "python")
    place = str(scratch / "table.parquet")
    psql = str(POSTGRESQL[-1] / "psql")
    cases = [
        Case("psql, COPY to CSV", [psql, cluster.address, "-c", copy], project),
        Case("use, to parquet", [python, "-c", OURS, cluster.address, place], project),
    ]
    if rows <= MOST_FOR_PANDAS:
        command = [python, "-c", PANDAS, cluster.address, place]
        cases.append(Case("pandas.read_sql, to_parquet", command, project))
    compare(f"{rows:,} rows, 10 columns", cases, rounds)


def main(rounds: int, rows: list[int]) -> None:
    """Print a table for each number of rows."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp", prefix="postgresql-") as folder,
        tempfile.TemporaryDirectory() as scratch,
    ):
        project = make_project(Path(scratch), [])
        sync = ["uv", "sync", "--quiet", "--extra", "postgresql"]
        subprocess.run(sync, cwd=project, check=True)
        cluster = Cluster(Path(folder))
        try:
            for number in rows:
                time_table(project, cluster, number, Path(scratch), rounds)
        finally:
            cluster.call("pg_ctl", "-D", str(cluster.data), "-m", "immediate", "stop")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rows", type=count, nargs="+", default=[1_000_000])
    main(**vars(options.parse_args()))
