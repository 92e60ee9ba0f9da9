"""A project: its paths, what its files of settings say, and its tables."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

from .contract import Contract, load_contract
from .examples import frame_contract
from .params import Params, load_params
from .paths import Paths
from .table import Table, TableWriter, table_writers


class Project(Paths):
    """The project around one root: its paths are attributes, its settings are read on first use."""

    @cached_property
    def params(self) -> Params:
        """params.yaml, read and checked.

        Raises:
            UserError: The file is missing or says what it cannot say.
        """
        return load_params(self)

    @cached_property
    def contract(self) -> Contract:
        """references/schema.yaml, read and held against the kind of problem in params.yaml.

        Raises:
            UserError: The file is missing, says what a contract cannot say, or its target does not
                fit the kind.
        """
        return load_contract(self, self.params.kind)

    @cached_property
    def examples(self) -> Contract:
        """What the rows are that models learn from, which `preprocess` writes.

        Of a forecast they are framed from several rows of a series each, and of sequences they are
        gathered from all rows of one; otherwise this is `contract`.

        Raises:
            UserError: As `contract`.
        """
        return frame_contract(self.contract)

    def table(self, path: Path) -> Table:
        """The rows of a parquet file that a stage writes, such as `project.train`.

        Raises:
            UserError: It is not there yet.
        """
        return Table(self.require(path), self.name(path))

    def writers(self, *paths: Path) -> AbstractContextManager[list[TableWriter]]:
        """A writer for each parquet file; none takes its place before all are written."""
        return table_writers(*paths)
