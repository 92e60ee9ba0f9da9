"""Where a project keeps its things."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UserError

if TYPE_CHECKING:
    from .params import Params


class Project:
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
        self.history = self.reports / "history.csv"
        self.training_sizes = self.reports / "training_sizes.csv"
        self.metrics = self.reports / "metrics.json"
        self.plots = self.reports / "plots"
        self.figures = self.reports / "figures"
        self.model_card = self.reports / "model_card.md"
        self.report = self.reports / "index.html"
        self.notebooks = root / "notebooks"
        self.executed_notebooks = self.reports / "notebooks"
        self.decisions = root / "references" / "decisions"

    @classmethod
    def find(cls) -> Project:
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

    def params(self) -> Params:
        """params.yaml, read and checked.

        Raises:
            UserError: The file is missing or says what it cannot say.
        """
        from .params import Params, load

        return load(Params, self.params_file, self.name(self.params_file))

    def name(self, path: Path) -> str:
        """`path` as a user in the project's root would type it."""
        return path.relative_to(self.root).as_posix()

    def require(self, path: Path, stage: str) -> Path:
        """`path`, which `stage` writes.

        Raises:
            UserError: It is not there yet.
        """
        if not path.exists():
            raise UserError(f"{self.name(path)}: not there yet; `dvc repro {stage}` makes it")
        return path


def read_yaml(path: Path, name: str) -> Any:
    """The content of the YAML file `path`; messages call it `name`.

    YAML 1.2, through the parser that DVC uses, so that both read the same values.

    Raises:
        UserError: The file is missing or is not YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: not UTF-8 text: byte {error.start} is invalid") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UserError(f"{name}, line {line}: not valid YAML: {error.problem}") from error
    except YAMLError as error:
        raise UserError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from error
