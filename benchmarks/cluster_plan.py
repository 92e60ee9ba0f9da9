"""Where work on a cluster stops being linear, and why.

    python benchmarks/cluster_plan.py

Measures on this machine what a unit costs beside its own work on a small cluster of Dask (a
scheduler and two workers, in processes), and what moving bytes costs. A discrete-event simulation
then takes units to 1, 16, 64 and 256 workers: the scheduler hands out one at a time and takes
its time for each; shared rows go from worker to worker in doubling rounds before; the units
are as long as said. What it takes to bring results back is not simulated, but for what the
scheduler's time per task holds of it. Dask comes in an environment of its own, unless it is there.
"""

from __future__ import annotations

import heapq
import subprocess
import time
from importlib.util import find_spec

WORKERS = (1, 16, 64, 256)
UNITS = 2000
MOVED = 64 * 2**20
ROW_BYTES = 123
CASES = {
    # name: units, seconds of one, bytes that all share
    "10,000 trials of 5 folds, 2 s each, 1 million rows": (50_000, 2.0, 1_000_000 * ROW_BYTES),
    "100 million rows, 10 candidates, 5 folds, 60 s each": (50, 60.0, 100_000_000 * ROW_BYTES),
    "100 million rows, 1,000 batches, 5 s each, from a shared folder": (1_000, 5.0, 0),
    "10 billion rows, 100,000 batches, 5 s each, from a shared folder": (100_000, 5.0, 0),
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


def simulate(units: int, seconds: float, shared: int, workers: int, costs: tuple) -> tuple:
    """Seconds until all is done, and how many of these the scheduler and the rows take."""
    per_task, speed = costs
    moving = shared / speed * (1 + (workers - 1).bit_length())
    free = [(moving, worker) for worker in range(workers)]
    scheduler = moving
    end = moving
    for _ in range(units):
        now, worker = heapq.heappop(free)
        scheduler = max(scheduler, now) + per_task
        heapq.heappush(free, (scheduler + seconds, worker))
        end = max(end, scheduler + seconds)
    return end, units * per_task, moving


def main() -> None:
    """Measure, simulate and print."""
    costs = measure()
    print(f"the scheduler: {1000 * costs[0]:.2f} ms per task; bytes: {costs[1] / 1e6:.0f} MB/s")
    for name, (units, seconds, shared) in CASES.items():
        print(name)
        alone = simulate(units, seconds, shared, 1, costs)[0]
        for workers in WORKERS:
            end, scheduling, moving = simulate(units, seconds, shared, workers, costs)
            share = alone / end / workers
            rounds = -(-units // workers) * seconds
            others = {"the scheduler": scheduling, "moving rows": moving}
            others["the last round of units"] = rounds - units * seconds / workers
            why = max(others, key=others.__getitem__)
            reason = "" if share > 0.9 else f", for {why}"
            print(f"  {workers:>3} workers: {end:>9,.0f} s, {share:.0%} of linear{reason}")


if __name__ == "__main__":
    if find_spec("distributed"):
        main()
    else:
        run = ["uv", "run", "--no-project", "--python", "3.11", "--with", "distributed"]
        subprocess.run([*run, "python", __file__], check=True)
