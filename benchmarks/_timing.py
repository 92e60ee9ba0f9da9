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
    megabytes: float = 0.0

    def run(self) -> tuple[float, float]:
        """Seconds on the clock and peak memory in MB of one run; the largest single process."""
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
        return seconds, usage.ru_maxrss / 1024


def compare(title: str, cases: list[Case], rounds: int) -> None:
    """Run the cases in turn and print a table; ratios are of medians, to the first case."""
    for case in cases:
        case.run()
    for _ in range(rounds):
        for case in cases:
            seconds, megabytes = case.run()
            case.seconds.append(seconds)
            case.megabytes = max(case.megabytes, megabytes)
    print(f"\n{title}, {rounds} rounds after a warm-up\n")
    print("| command | min s | median s | max s | ratio | peak MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    floor = statistics.median(cases[0].seconds)
    for case in cases:
        median = statistics.median(case.seconds)
        low, high = min(case.seconds), max(case.seconds)
        print(
            f"| {case.name} | {low:.2f} | {median:.2f} | {high:.2f} "
            f"| {median / floor:.2f} | {case.megabytes:.0f} |"
        )
