"""Timing whole commands in turn, so that a machine's drift meets all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Case:
    """A command to time.

    Args:
        name: What the table calls it.
        command: The command and its arguments.
        folder: Where it runs.
        before: What makes each run alike; not timed.
    """

    name: str
    command: list[str]
    folder: Path
    before: Callable[[], None] = lambda: None
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    """Seconds of processors, which others at work on the machine lengthen least."""
    megabytes: float = 0.0

    def run(self) -> None:
        """Run once and keep what it took: seconds, and peak memory of the largest process in MB."""
        self.before()
        start = time.perf_counter()
        process = subprocess.Popen(
            self.command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        errors = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self.name}: {' '.join(self.command)} failed\n{errors}")
        self.seconds.append(seconds)
        self.processor.append(usage.ru_utime + usage.ru_stime)
        self.megabytes = max(self.megabytes, usage.ru_maxrss / 1024)


def compare(title: str, cases: list[Case], rounds: int) -> None:
    """Run the cases in turn and print a table; ratios are of medians, to the first case."""
    for _ in range(1 + rounds):
        for case in cases:
            case.run()
    for case in cases:
        del case.seconds[:-rounds], case.processor[:-rounds]
    print(f"\n{title}, {rounds} rounds after a warm-up\n")
    print("| command | min s | median s | max s | ratio | processor s | ratio | peak MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    floor, work = statistics.median(cases[0].seconds), statistics.median(cases[0].processor)
    for case in cases:
        median = statistics.median(case.seconds)
        low, high = min(case.seconds), max(case.seconds)
        processor = statistics.median(case.processor)
        print(
            f"| {case.name} | {low:.2f} | {median:.2f} | {high:.2f} "
            f"| {median / floor:.2f} | {processor:.2f} | {processor / work:.2f} "
            f"| {case.megabytes:.0f} |"
        )
