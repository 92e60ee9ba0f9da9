"""What watching requests takes, in seconds and memory, however many there are.

    python benchmarks/monitoring.py [--rows N ...]

The train rows of diabetes come again and again for thirty days, as the server keeps them in SQLite;
in the last six days a column moves, so that the alarm shows that these were counted. Measured are
`monitor`, and the process that the server's page is made by: reading all of it for the first time,
making the report, and looking again when nothing has come. Processor seconds stand beside those on
the clock, for a machine that has much else to do.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from run import STAGES, make_project

CANDIDATES = "    baseline: {}\n    linear: {alpha: 1.0}\n"
DATABASE = Path(".serve", "requests.sqlite")
FILL = """
import json, sys
from datetime import UTC, datetime, timedelta
from lockstep import Model, Project
from lockstep.core.files import sha256
from lockstep.serving.request_database import RequestDatabase, as_json
project, rows = Project.find(), int(sys.argv[1])
model, run = Model.load(project.champion), sha256(project.record)
X = project.table(project.train).read()[model.contract.features]
contents = json.loads(X.to_json(orient="records"))
moved = [as_json(content | {"bmi": content["bmi"] + 2}) for content in contents]
contents = [as_json(content) for content in contents]
answers = [as_json(answer) for answer in model.apply(X).to_dict(orient="records")]
start = datetime.now(UTC) - timedelta(days=30)
database = RequestDatabase(project.root / ".serve" / "requests.sqlite")
for first in range(0, rows, 50_000):
    database.write([
        {
            "request": f"request-{row}", "time": start + timedelta(days=30) * (row / rows),
            "model": "diabetes", "version": "1.0.0", "run": run, "role": "answer",
            "status": 200, "row": 0, "seconds": 0.002 + row % 97 / 10_000,
            "content": (moved if row > 0.8 * rows else contents)[row * 7919 % len(X)],
            "answer": answers[row * 7919 % len(X)],
        }
        for row in range(first, min(first + 50_000, rows))
    ])
database.close()
"""
FOLLOW = """
import time
from lockstep import Project
from lockstep.monitoring.live import Monitor
monitor, marks = Monitor(Project.find(), None), [time.perf_counter()]
while monitor.look():
    pass
marks.append(time.perf_counter())
monitor.make_report()
marks.append(time.perf_counter())
monitor.look()
marks.append(time.perf_counter())
print(" | ".join(f"{end - start:.2f} s" for start, end in zip(marks, marks[1:])))
"""


def train_champion(project: Path) -> None:
    """Run the four stages on few candidates."""
    params = project / "params.yaml"
    text = re.sub(r"(?<=candidates:\n)(    .*\n)+", CANDIDATES, params.read_text(encoding="utf-8"))
    params.write_text(text, encoding="utf-8")
    for stage in STAGES:
        command = ["python", "-m", f"my_project.{stage}"]
        subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)


def measure(name: str, command: list[str], project: Path) -> None:
    """Run a command, and print what it has printed and taken."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    output = process.stdout.read().strip().splitlines()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds, busy = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    print(f"| {name} | {seconds:.0f} | {busy:.0f} | {usage.ru_maxrss / 1024:.0f} | {output[0]} |")


def main(sizes: list[int]) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), ["dataset=diabetes"])
        train_champion(project)
        print("| what | s | processor s | peak MB | says |\n| --- | --- | --- | --- | --- |")
        for rows in sizes:
            (project / DATABASE).unlink(missing_ok=True)
            subprocess.run(["python", "-c", FILL, str(rows)], cwd=project, check=True)
            measure(f"monitor, {rows:,} requests", ["my-project", "monitor"], project)
            command = ["python", "-c", FOLLOW]
            measure(f"live, {rows:,}: reading, report, looking again", command, project)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, help="not used: one takes long enough")
    main(parser.parse_args().rows)
