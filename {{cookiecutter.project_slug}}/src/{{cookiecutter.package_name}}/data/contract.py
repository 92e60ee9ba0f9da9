"""The data contract: what each column means and which values it may hold.

`references/schema.yaml` is its file. Rows that break it are breaches: one row per broken cell in a
table with the columns `row` (counted from 1, the header not counted), `column`, `value` (as text)
and `rule` (what the contract asks for).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from ..config import Project
from ..errors import UserError
from ..params import Kind, Strict, load, nearest

if TYPE_CHECKING:
    import pandas as pd


def _as_written(value: object) -> object:
    if isinstance(value, bool):
        word = str(value).lower()
        raise ValueError(f"YAML reads this as {word}, not as a text; put quotes around it")
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_written)]


class Column(Strict):
    """What one column holds."""

    type: Literal["numeric", "integer", "categorical"]
    """Numbers, whole numbers, or one of a few texts."""
    meaning: str
    """What a row's value says, for people."""
    unit: str | None = None
    """Unit of a number."""
    range: tuple[float | None, float | None] | None = None
    """Smallest and largest number allowed, both included; null leaves a side open."""
    categories: Annotated[list[Text], Field(min_length=1)] | None = None
    """All texts allowed."""
    nullable: bool = False
    """Whether a row may lack the value."""

    @model_validator(mode="after")
    def _fits_its_type(self) -> Column:
        categorical = self.type == "categorical"
        if categorical and self.categories is None:
            raise ValueError("a categorical column needs `categories`, the list of values allowed")
        if categorical and self.range is not None:
            raise ValueError("a categorical column has `categories`, not a `range`")
        if not categorical and self.categories is not None:
            raise ValueError(f"a column of type {self.type} has a `range`, not `categories`")
        low, high = self.range or (None, None)
        if low is not None and high is not None and low > high:
            raise ValueError(f"range starts at {low:g}, above its end {high:g}")
        return self

    def rule(self) -> str:
        """What a value must be, in words."""
        if self.categories is not None:
            return f"one of {', '.join(self.categories)}"
        unit = f" {self.unit}" if self.unit else ""
        whole = "a whole number" if self.type == "integer" else "a number"
        match self.range or (None, None):
            case (None, None):
                return whole
            case (low, None):
                return f"{whole} from {low:g}{unit} up"
            case (None, high):
                return f"{whole} up to {high:g}{unit}"
            case (low, high):
                return f"{whole} from {low:g} to {high:g}{unit}"


class Images(Strict):
    """The shape of images that stand for a table of pixels."""

    width: PositiveInt
    """Pixels per line."""
    height: PositiveInt
    """Lines per image."""


class Contract(Strict):
    """All columns that the pipeline uses, and which of them it predicts."""

    title: str
    """What the data set is, in a few words."""
    source: str
    """Where the data come from."""
    licence: str
    """What may be done with them."""
    target: str
    """The column to predict."""
    missing: tuple[Text, ...] = ("", "NA")
    """Texts that stand for a missing value."""
    images: Images | None = None
    """Set when the raw file is a zip of images; each pixel is then a feature."""
    columns: Annotated[dict[Text, Column], Field(min_length=1)]
    """Every column by its name."""

    @model_validator(mode="before")
    @classmethod
    def _describe_pixels(cls, content: Any) -> Any:
        match content:
            case {"images": {"width": int(width), "height": int(height)}, "columns": dict(columns)}:
                return {**content, "columns": {**_pixels(width, height), **columns}}
        return content

    @model_validator(mode="after")
    def _describes_its_target(self) -> Contract:
        if self.target not in self.columns:
            raise ValueError(
                f"target: found {self.target!r}, which is no column of this contract; "
                + nearest(self.target, self.columns)
            )
        if self.features == []:
            raise ValueError("columns: only the target is described; a model needs features too")
        if self.images and len(self.features) != self.images.width * self.images.height:
            raise ValueError("columns: beside images, the target is the only column to describe")
        return self

    @property
    def features(self) -> list[str]:
        """The columns that a prediction is made from."""
        return [name for name in self.columns if name != self.target]

    def features_only(self) -> dict[str, Column]:
        """The feature columns by name."""
        return {name: self.columns[name] for name in self.features}


def _pixels(width: int, height: int) -> dict[str, dict[str, Any]]:
    brightness = {"type": "integer", "range": [0, 255], "meaning": "brightness, 0 is black"}
    return {f"pixel_{y}_{x}": brightness for y in range(height) for x in range(width)}


def load_contract(project: Project, kind: Kind) -> Contract:
    """Read references/schema.yaml for a problem of `kind`.

    Raises:
        UserError: The file is missing, says what a contract cannot say, or its target does not
            fit the kind.
    """
    name = project.name(project.contract_file)
    contract = load(Contract, project.contract_file, name)
    found = contract.columns[contract.target].type
    allowed = {"classification": ["categorical"], "regression": ["numeric", "integer"]}[kind]
    if found not in allowed:
        raise UserError(
            f"{name}: target {contract.target!r} is {found}, but params.yaml says kind: {kind}, "
            f"which predicts a column of type {' or '.join(allowed)}"
        )
    return contract


def require_columns(frame: pd.DataFrame, columns: dict[str, Column], name: str) -> None:
    """Check that the table read from the file `name` has all `columns`.

    Raises:
        UserError: One is not there.
    """
    for column in columns:
        if column not in frame.columns:
            raise UserError(
                f"{name}: column {column!r} is missing; the contract asks for it; "
                f"the file has {_listing(frame.columns)}"
            )


def _listing(names: pd.Index, most: int = 12) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def apply(columns: dict[str, Column], frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each of `columns` its type and find the cells that break its rule.

    Args:
        columns: The columns to keep, in the order wanted.
        frame: A table with at least these columns, of text or already typed.

    Returns:
        The typed table, as long as `frame` (an unreadable cell is missing in it), and the breaches.
    """
    import pandas as pd

    raw = frame[list(columns)].reset_index(drop=True)
    table = pd.DataFrame({name: _convert(raw[name], column) for name, column in columns.items()})
    unreadable = table.isna() & raw.notna()
    return table, _breaches(raw, columns, unreadable | _broken_rules(table, columns))


def _convert(cells: pd.Series, column: Column) -> pd.Series:
    import numpy as np
    import pandas as pd

    if column.type == "categorical":
        return cells.map(_as_text, na_action="ignore").astype("str")
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    numbers = numbers.where(np.isfinite(numbers))
    if column.type == "integer":
        return numbers.where(numbers == np.round(numbers)).astype("Int64")
    return numbers


def _as_text(value: object) -> str:
    # 2.0 in a column that some writer took for floats is the category 2.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _broken_rules(table: pd.DataFrame, columns: dict[str, Column]) -> pd.DataFrame:
    import pandas as pd
    from pandera.errors import SchemaErrors

    broken = pd.DataFrame(False, index=table.index, columns=table.columns)
    try:
        _pandera_schema(columns).validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        for name in columns:
            broken.loc[cases.loc[cases["column"] == name, "index"].astype(int), name] = True
    return broken


def _breaches(raw: pd.DataFrame, columns: dict[str, Column], broken: pd.DataFrame) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    rows, places = np.nonzero(broken.to_numpy())
    cells = raw.iloc[rows].to_numpy(dtype=object)[np.arange(len(rows)), places]
    names = [list(columns)[place] for place in places]
    texts = ["" if gone else str(cell) for cell, gone in zip(cells, pd.isna(cells), strict=True)]
    found = {
        "row": pd.Series(rows + 1, dtype="int64"),
        "column": pd.Series(names, dtype="str"),
        "value": pd.Series(texts, dtype="str"),
        "rule": pd.Series([columns[name].rule() for name in names], dtype="str"),
    }
    return pd.DataFrame(found)


def _pandera_schema(columns: dict[str, Column]) -> Any:
    import pandera.pandas as pa

    checked = {}
    for name, column in columns.items():
        checks = []
        low, high = column.range or (None, None)
        if low is not None:
            checks.append(pa.Check.ge(low))
        if high is not None:
            checks.append(pa.Check.le(high))
        if column.categories is not None:
            checks.append(pa.Check.isin(column.categories))
        checked[name] = pa.Column(None, checks, nullable=column.nullable)
    return pa.DataFrameSchema(checked)
