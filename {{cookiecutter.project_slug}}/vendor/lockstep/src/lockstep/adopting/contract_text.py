"""The text of the contract, as a person would write it."""

from __future__ import annotations

from ..core.contract import IMAGE_COLUMNS, Contract
from ..core.editing import style, write_yaml

WORDS = {
    "anomalies": "rows unlike the others are looked for; no label is needed",
    "clusters": "rows that are alike are looked for; there is no target",
    "exposure": "what the target is added up over in each row; it is learnt per unit of it",
    "sequence": "rows with one value of it are the points of one example",
    "length": "so many points are looked at, the latest ones",
    "horizon": "steps ahead that are forecast",
    "every": "from one step to the next",
    "season": "after so many steps things are alike again; 1 if never",
    "window": "so many of the latest values a forecast is made from",
}
"""What the words of anomalies, of clusters, of exposure, of sequences and of a forecast mean."""
HEADER = """\
# The data contract: what each column means and which values it may hold. `ingest` sets rows aside
# that break it. Written by `use` from what it saw: look at what is `guessed`, say what it means.
#
# type: numeric, integer, binary, categorical, ordered, datetime, text or identifier, which is no
# feature. range: [smallest, largest], null leaves a side open; nullable: true allows
# missing values; missing: texts that stand for them; open: true allows other categories.

"""
SEVERAL = """\
# The target is labels, of which a row may have several: separator stands between them; none: what a
# cell says where there are none, '' is an empty one.

"""
AHEAD = """\
# The target is forecast. future: true: a column is known of times to come, so that a row after the
# latest may hold it, and the target not yet. Of other numbers only the past is used.

"""


def format_contract(contract: Contract, split: str = "") -> str:
    """The text of references/schema.yaml: a block for each column; `split` says what gives it."""
    content = contract.model_dump(mode="json", exclude_defaults=True)
    columns = content.pop("columns")
    if contract.images:
        if not split:
            content.pop("part", None)
        columns = {name: column for name, column in columns.items() if name not in IMAGE_COLUMNS}
    if contract.is_unlabelled:
        del content["target"], columns[contract.target]
    for column in columns.values():
        if "range" in column:
            column["range"] = [_shorten(limit) for limit in column["range"]]
    document = style(content | {"columns": columns}, depth=3)
    if split:
        note = f"split {split}; `split` in params.yaml is for the folds"
        document.yaml_add_eol_comment(note, "part")
    for key in (key for key in WORDS if key in document):
        document.yaml_add_eol_comment(WORDS[key], key)
    document.yaml_set_comment_before_after_key("columns", before="\n")
    notes = (AHEAD if contract.forecasts else "") + (SEVERAL if contract.labels else "")
    return HEADER + notes + write_yaml(document)


def _shorten(limit: float | None) -> float | None:
    """A whole number without decimals, as far as floats tell those apart."""
    return int(limit) if limit is not None and limit.is_integer() and abs(limit) < 2**53 else limit
