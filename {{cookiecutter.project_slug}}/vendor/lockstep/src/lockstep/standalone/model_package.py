"""The package of a model: what `package` has put into a wheel, unpacked or installed.

Nothing heavy is imported here before it is used: to import the package of a model takes no time,
and a process of our own settles first what numeric libraries read from the environment.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import LONGEST_REASON, UserError, shorten
from ..core.files import sha256
from ..core.home import HOME
from .differences import find_differences, find_rivals

if TYPE_CHECKING:
    import pandas as pd

    from ..core.contract import Contract
    from ..modeling.model import Model

INFO, RECORD, SCHEMA, CARD, GOLDEN = (
    *("package.json", "record.json", "schema.yaml"),
    *("card.md", "golden.json"),
)
CHAMPION = "champion"
FORM = 1
"""Of package.json."""
KEYS: dict[str, Any] = {
    **dict.fromkeys(("name", "version", "package", "run", "python"), str),
    "backend": str | None,
    "dependencies": list,
    **dict.fromkeys(("pins", "sha256"), dict),
}
"""What package.json tells, and of which type it is."""
FORMS = {
    "name": re.compile(r"\w[\w.-]*"),
    "version": re.compile(r"\d[\w.+!-]*"),
    "run": re.compile("[0-9a-f]{64}"),
}
"""What it takes to be a part of an address, or of the name of a file."""


class ModelPackage:
    """A champion with all that it takes to use it rightly.

    Args:
        name: What Python calls the package, such as `fruit_model`.
        folder: Where it is.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.log = logging.getLogger(name)

    @cached_property
    def info(self) -> dict[str, Any]:
        """What package.json tells: the model's name and version, its run, what it computes with.

        Raises:
            UserError: It is not there, of another form, or does not tell what it must.
        """
        try:
            content = json.loads((self.folder / INFO).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(
                f"{self.name}: no {INFO} that can be read; install the wheel again"
            ) from error
        if not isinstance(content, dict) or content.get("form") != FORM:
            raise UserError(f"{self.name}: {INFO} is not of form {FORM}; make the wheel again")
        for key, kind in KEYS.items():
            if key not in content or not isinstance(content[key], kind):
                raise UserError(f"{self.name}: {INFO}: no `{key}`; make the wheel again")
        for key, form in FORMS.items():
            if not form.fullmatch(content[key]):
                text = shorten(content[key], LONGEST_REASON)
                raise UserError(f"{self.name}: {INFO}: {text!r} is no {key}; make the wheel again")
        return content

    @property
    def version(self) -> str:
        """That of the model, such as 1.2.0."""
        return str(self.info["version"])

    @property
    def run(self) -> str:
        """The digest of the record of its run, which names it."""
        return str(self.info["run"])

    @cached_property
    def model(self) -> Model:
        """The champion.

        Raises:
            UserError: A file is not the one that was packed, or the champion cannot be loaded here.
        """
        from ..modeling.model import Model

        self.require_whole()
        start = time.perf_counter()
        if self.info["backend"]:
            _require_backend(self.info["backend"], self.name)
        differences = "; ".join(self.find_differences())
        try:
            champion = Model.load(self.folder / CHAMPION, self.name)
        except UserError as error:
            if not differences:
                raise
            raise UserError(
                f"{self.name}: cannot be loaded with other libraries than it was packed with: "
                f"{differences}"
            ) from error
        if differences:
            self.log.warning("other libraries than it was packed with: %s", differences)
        seconds = time.perf_counter() - start
        self.log.info("%s %s loaded in %.1f s", champion.candidate, self.version, seconds)
        return champion

    @property
    def contract(self) -> Contract:
        """What rows must be like."""
        return self.model.contract

    @cached_property
    def record(self) -> dict[str, Any]:
        """What the run was made of, and what came out."""
        text = self._require_packed(RECORD).read_text(encoding="utf-8")
        content: dict[str, Any] = json.loads(text)
        return content

    @cached_property
    def card(self) -> str:
        """What the model is, is for and is not for: Markdown."""
        return self._require_packed(CARD).read_text(encoding="utf-8")

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict rows, each held against the contract by itself.

        Args:
            frame: (n_rows, n_columns) table with at least the features: cells as they stand in the
                raw data, typed ones, or both. An image is the bytes of its pixels. Of a forecast
                the rows of the series so far; later ones tell what is known ahead.

        Returns:
            (n_rows,) the contract's identifiers, as far as `frame` has them; `prediction` and, of a
            classification, `probability_<class>`, or, of numbers, `prediction_low` and
            `prediction_high`; and `reason`, which says what breaks the contract in a row that
            therefore has no prediction. The index is that of `frame`. Of a forecast there is a row
            for each step ahead of each series, with the series, the time and the step.

        Raises:
            UserError: It is no table of pandas, a feature has no column, or the model cannot be
                loaded here.
        """
        _require_table(frame, self.name)
        model = self.model
        start = time.perf_counter()
        table = model.predict(frame)
        seconds, refusals = time.perf_counter() - start, int(table["reason"].notna().sum())
        self.log.info("%d rows in %.3f s, %d of them refused", len(table), seconds, refusals)
        return table

    def find_differences(self) -> list[str]:
        """What is otherwise here than where the model was packed, a few words for each thing."""
        return find_differences(self.info)

    def require_whole(self) -> None:
        """Check that each file is the one that was packed, and that no other model is in its place.

        Raises:
            UserError: One is not, or two models are installed as the same package.
        """
        rivals = find_rivals(self.folder)
        if len(rivals) > 1:
            raise UserError(
                f"{' and '.join(rivals)} are both installed as {self.name}: one has overwritten "
                "the other, and each needs an environment of its own"
            )
        for name in self.info["sha256"]:
            self._require_packed(name)

    def _require_packed(self, name: str) -> Path:
        """A file, which is the one that was packed."""
        path = self.folder / name
        if not path.is_file() or sha256(path) != self.info["sha256"].get(name):
            raise UserError(
                f"{self.name}: {name} is not the file that was packed; "
                f"install {self.info['name']} {self.version} again"
            )
        return path


@cache
def open_package() -> ModelPackage:
    """The one that this copy of the library is a part of."""
    logging.getLogger(HOME).addHandler(logging.NullHandler())
    return ModelPackage(HOME, Path(__file__).parents[2])


def _require_table(frame: object, name: str) -> None:
    from pandas import DataFrame  # heavy

    if not isinstance(frame, DataFrame):
        what = type(frame).__name__
        raise UserError(f"{name}: rows are a DataFrame of pandas, not of type {what}")


def _require_backend(backend: str, name: str) -> None:
    """Let Keras compute with `backend`, unless the process has decided otherwise already."""
    os.environ.setdefault("KERAS_BACKEND", backend)
    keras = sys.modules.get("keras")
    present = keras.config.backend() if keras else os.environ["KERAS_BACKEND"]
    if present != backend:
        raise UserError(
            f"{name}: its network computes with {backend}, and Keras with {present} in this "
            f"process; use it in another one, such as `python -m {name} predict FILE`"
        )
