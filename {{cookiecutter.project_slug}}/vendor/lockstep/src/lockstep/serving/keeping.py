"""Which columns of requests may be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.files import read_yaml
from ..core.paths import Paths
from ..core.validation import nearest, validate

if TYPE_CHECKING:
    from .deployment import Deployment


def find_private(paths: Paths | None) -> frozenset[str]:
    """The columns that a project's contract calls private now, whatever its versions have said.

    Raises:
        UserError: The contract cannot be read.
    """
    if paths is None or not paths.contract_file.is_file():
        return frozenset()
    name = paths.name(paths.contract_file)
    content = read_yaml(paths.contract_file, name)
    if content is None:  # before `use` has written it, there are no versions
        return frozenset()
    contract = validate(Contract, content, name, "")
    return frozenset(name for name, column in contract.columns.items() if column.private)


def describe_columns(contract: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a contract, and of the rows that its examples are made of."""
    rows = contract.get("history") or contract.get("points") or {"columns": {}}
    return {**rows["columns"], **contract["columns"]}


def require_keepable(columns: Sequence[str], deployments: Sequence[Deployment]) -> None:
    """Check that the columns that the settings name are there, and not private.

    Raises:
        UserError: One of them is not there, or private.
    """
    private = {name for deployment in deployments for name in deployment.private}
    names = {
        name: None for deployment in deployments for name in describe_columns(deployment.contract)
    }
    allowed = [name for name in names if name not in private]
    for name in columns:
        where = f"params.yaml: serve.keep.columns: {name}"
        if name in private:
            raise UserError(f"{where}: private, so it is never kept; take it out")
        if name not in names:
            raise UserError(f"{where}: no such column; {nearest(name, allowed)}")
