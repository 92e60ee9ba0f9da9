"""Where a project keeps its things."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Self

from .errors import UserError


class Paths:
    """The paths of a project, all below one root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.params_file = root / "params.yaml"
        self.environment_file = root / "environment.yaml"
        self.contract_file = root / "references" / "schema.yaml"
        self.raw = root / "data" / "raw"
        self.dataset = root / "data" / "interim" / "dataset.parquet"
        self.rejected = root / "data" / "interim" / "rejected.parquet"
        self.train = root / "data" / "processed" / "train.parquet"
        self.test = root / "data" / "processed" / "test.parquet"
        self.champion = root / "models" / "champion"
        self.baseline = root / "models" / "baseline"
        self.reports = root / "reports"
        self.ingest_report = self.reports / "ingest.json"
        self.leaderboard = self.reports / "leaderboard.csv"
        self.validation = self.reports / "validation.json"
        self.history = self.reports / "history.csv"
        self.training_sizes = self.reports / "training_sizes.csv"
        self.metrics = self.reports / "metrics.json"
        self.plots = self.reports / "plots"
        self.figures = self.reports / "figures"
        self.model_card = self.reports / "model_card.md"
        self.report = self.reports / "index.html"
        self.record = self.reports / "record.json"
        self.comparison = self.reports / "comparison.html"
        self.trials = self.reports / "trials.csv"
        self.search = self.reports / "search"
        self.logs = root / "logs"
        self.notebooks = root / "notebooks"
        self.executed_notebooks = self.reports / "notebooks"
        self.decisions = root / "references" / "decisions"
        self.staging = root / ".use.tmp"
        self.journal = self.staging / "journal.json"

        self.outputs = {
            "ingest": (self.dataset, self.rejected, self.ingest_report),
            "preprocess": (self.train, self.test),
            "train": (
                *(self.champion, self.baseline),
                *(self.leaderboard, self.validation, self.history, self.training_sizes),
            ),
            "evaluate": (
                *(self.metrics, self.plots, self.figures, self.model_card, self.report),
                self.record,
            ),
        }
        """What each stage writes."""

    @classmethod
    def find(cls) -> Self:
        """The project around the working directory.

        Raises:
            UserError: No params.yaml beside a dvc.yaml here or in any folder above.
        """
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
                return cls(folder)
        raise UserError(
            f"{here}: not inside a project: no params.yaml beside a dvc.yaml here or above; "
            "change to the project's folder first"
        )

    @property
    def package(self) -> str:
        """The name of the owner's package, as pyproject.toml gives it."""
        try:
            name = self.pyproject["tool"]["lockstep"]["package"]
        except (KeyError, TypeError):
            name = None
        if not isinstance(name, str):
            raise UserError(
                "pyproject.toml: tool.lockstep.package: missing; it gives the name of your package "
                'in src, such as package = "my_project"'
            )
        return name

    @property
    def title(self) -> str:
        """What pyproject.toml calls the project; by default as its package."""
        package = self.package
        return str(self.pyproject.get("project", {}).get("name", package))

    @property
    def version(self) -> str:
        """The version that pyproject.toml gives the project."""
        return str(self.pyproject.get("project", {}).get("version", "0"))

    @property
    def command(self) -> str:
        """What a user types to run the project's command line."""
        try:
            script = next(iter(self.pyproject["project"]["scripts"]))
        except (KeyError, TypeError, StopIteration):
            script = f"python -m {self.package}"
        return f"uv run {script}"

    @property
    def pyproject(self) -> dict[str, Any]:
        """What pyproject.toml says.

        Raises:
            UserError: It cannot be read.
        """
        try:
            return tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"pyproject.toml: cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise UserError(f"pyproject.toml: not valid TOML: {error}") from error

    def name(self, path: Path) -> str:
        """`path` as a user in the project's root would type it."""
        return path.relative_to(self.root).as_posix()

    def require(self, path: Path) -> Path:
        """`path`, which a stage writes.

        Raises:
            UserError: It is not there yet.
        """
        if not path.exists():
            stage = next(stage for stage, outputs in self.outputs.items() if path in outputs)
            raise UserError(f"{self.name(path)}: not there yet; `dvc repro {stage}` makes it")
        return path

    def require_settled(self) -> None:
        """Check that the data are not halfway between those of before and those of a `use`.

        Raises:
            UserError: An interrupted one has left its journal.
        """
        if self.journal.exists():
            raise UserError(
                f"{self.name(self.journal)}: a `use` has not finished taking data in; "
                f"`{self.command} use` finishes it"
            )
