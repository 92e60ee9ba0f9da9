"""Where a project keeps its things."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UserError

if TYPE_CHECKING:
    from .params import Params


PLAIN = re.compile(r"\w[\w/. -]*")
TRUTH_VALUES = ("null", "y", "n", "yes", "no", "on", "off", "true", "false")


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


def edited_yaml(text: str, changes: dict[str, Any]) -> str:
    """The YAML mapping `text` with some values changed; comments and all else stay.

    Args:
        text: A file's content.
        changes: New values by their keys, those of nested ones with dots between.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # a line that is too long for ruamel is not for its writer
    yaml.representer.add_representer(
        type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    content = yaml.load(text)
    for key, value in changes.items():
        _change(content, key.split("."), value)
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def _change(content: Any, path: list[str], value: Any) -> None:
    sections = [content]
    for key in path[:-1]:
        sections.append(sections[-1].setdefault(key, styled({})))
    comment = _comment_at_end(sections[-1].get(path[-1]))
    sections[-1][path[-1]] = styled(value)
    if comment is None:
        return
    # What stands below the old value belongs to the key that comes next.
    for section, key in zip(reversed(sections), reversed(path), strict=True):
        later = list(section)[list(section).index(key) + 1 :]
        if later:
            lines = [line.strip().removeprefix("#")[1:] for line in comment.strip("\n").split("\n")]
            indent = section.lc.col if section is not content else 0
            before = "\n".join(lines) if any(lines) else "\n"
            section.yaml_set_comment_before_after_key(later[0], before=before, indent=indent)
            return


def _comment_at_end(node: Any) -> str | None:
    """What ruamel.yaml keeps with the last key of a mapping in lines: the lines below it."""
    while isinstance(node, dict) and node and not node.fa.flow_style():
        last = list(node)[-1]
        if token := node.ca.items.get(last, [None] * 3)[2]:
            return str(token.value)
        node = node[last]
    return None


def styled(value: Any, depth: int = 1) -> Any:
    """A value as ruamel.yaml writes it: mappings in lines down to a depth, below it on one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, dict):
        node: Any = CommentedMap(
            {_unmistakable(key): styled(item, depth - 1) for key, item in value.items()}
        )
    elif isinstance(value, list | tuple):
        node = CommentedSeq([styled(item, depth=0) for item in value])
        depth = 0
    else:
        return _unmistakable(value)
    if depth < 1 or not value:
        node.fa.set_flow_style()
    return node


def _unmistakable(value: Any) -> Any:
    """A text in quotes, unless it is plain words; to older parsers `no` is a truth value."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if not isinstance(value, str):
        return value
    if PLAIN.fullmatch(value) and value.lower() not in TRUTH_VALUES:
        return value
    return DoubleQuotedScalarString(value)
