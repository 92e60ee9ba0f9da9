"""Where work on a cluster stops being linear, and why.

    python benchmarks/cluster_plan.py

Measures on this machine what a unit costs beside its own work on a small cluster of Dask (a
scheduler and two workers, in processes), and what moving bytes costs. A discrete-event simulation
then takes units to 1, 16, 64 and 256 workers: the scheduler hands out one at a time and takes
its time for each; shared rows go from worker to worker in doubling rounds before; the units
are as long as said; one machine takes what they give, in their order and at that speed, and has
no more batches ahead than the library allows. Fits give next to nothing, and all wait at once.
Dask comes in an environment of its own, unless it is there.
"""

from __future__ import annotations

import heapq
import subprocess
import time
from collections import deque
from importlib.util import find_spec
from typing import NamedTuple

WORKERS = (1, 16, 64, 256)
UNITS = 2000
MOVED = 64 * 2**20
ROW_BYTES, PREDICTION_BYTES = 123, 30
BATCH = 100_000
"""Rows."""
MOST_AHEAD = 64
"""Batches, as in the library's `core/cluster_session.py`."""
TRIALS = 8
"""At a time, as in the library's `searching/contender.py`."""


class Case(NamedTuple):
    """Work of one kind."""

    units: int
    seconds: float
    """Of each unit."""
    shared: int = 0
    """Bytes that all units have in common, and that are sent."""
    given: int = 0
    """Bytes that come back of each unit."""
    most: int = 10**9
    """Units at a time that are not yet taken."""
    rounds: int = 1
    """How often all that is under way is awaited before there is more; rows are sent once."""


CASES = {
    "10,000 trials of 5 folds, 2 s each, 1 million rows": Case(
        50_000, 2, 1_000_000 * ROW_BYTES, rounds=10_000 // TRIALS
    ),
    "100 million rows, 10 candidates, 5 folds, 60 s each": Case(50, 60, 100_000_000 * ROW_BYTES),
    "the same from a shared folder": Case(50, 60),
    "100 million rows predicted in batches of 5 s from a shared folder": Case(
        1_000, 5, given=BATCH * PREDICTION_BYTES, most=MOST_AHEAD
    ),
    "10 billion rows predicted in batches of 5 s from a shared folder": Case(
        100_000, 5, given=BATCH * PREDICTION_BYTES, most=MOST_AHEAD
    ),
    "10 billion rows cleaned in batches of 1 s from a shared folder": Case(
        100_000, 1, given=BATCH * ROW_BYTES, most=MOST_AHEAD
    ),
}


def measure() -> tuple[float, float]:
    """Seconds of the scheduler per task, and bytes per second from one process to another."""
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.gather(client.map(abs, range(100), pure=False))
        start = time.perf_counter()
        client.gather(client.map(abs, range(UNITS), pure=False))
        per_task = (time.perf_counter() - start) / UNITS
        start = time.perf_counter()
        client.scatter(bytes(MOVED), broadcast=True, hash=False)
        # Once to a worker by way of the scheduler, which takes two, and from there to the other.
        speed = 3 * MOVED / (time.perf_counter() - start)
    return per_task, speed


def simulate(case: Case, workers: int, costs: tuple[float, float]) -> tuple[float, float]:
    """Seconds until all is taken, and how many of these rows move before."""
    if case.rounds > 1:
        one = case._replace(units=case.units // case.rounds, rounds=1)
        end, moving = simulate(one, workers, costs)
        return moving + case.rounds * (end - moving), moving
    per_task, speed = costs
    moving = case.shared / speed * (1 + (workers - 1).bit_length())
    free = [moving] * workers
    scheduler = end = moving
    waiting: deque[float] = deque()
    for _ in range(case.units):
        room = waiting.popleft() if len(waiting) == case.most else moving
        scheduler = max(scheduler, heapq.heappop(free), room) + per_task
        heapq.heappush(free, scheduler + case.seconds)
        end = max(end, scheduler + case.seconds) + case.given / speed
        waiting.append(end)
    return end, moving


def main() -> None:
    """Measure, simulate and print."""
    costs = measure()
    print(f"the scheduler: {1000 * costs[0]:.2f} ms per task; bytes: {costs[1] / 1e6:.0f} MB/s")
    for name, case in CASES.items():
        print(name)
        alone = simulate(case, 1, costs)[0]
        for workers in WORKERS:
            end, moving = simulate(case, workers, costs)
            share = alone / end / workers
            linear = case.units * case.seconds / workers
            turns = case.rounds * -(-case.units // case.rounds // workers)
            others = {
                "the scheduler": case.units * costs[0],
                "moving rows": moving,
                "taking what comes back": case.units * case.given / costs[1],
                "workers that wait for the last units": turns * case.seconds - linear,
                f"{case.most} batches ahead": linear * (workers / min(workers, case.most) - 1),
            }
            why = max(others, key=others.__getitem__)
            reason = "" if share > 0.9 else f", for {why}"
            print(f"  {workers:>3} workers: {end:>9,.0f} s, {share:.0%} of linear{reason}")


if __name__ == "__main__":
    if find_spec("distributed"):
        main()
    else:
        run = ["uv", "run", "--no-project", "--python", "3.11", "--with", "distributed"]
        subprocess.run([*run, "python", __file__], check=True)
