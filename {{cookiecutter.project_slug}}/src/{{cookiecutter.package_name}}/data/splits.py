"""Which rows are for training, which for the final test, and which make the folds between.

The test rows and the folds are drawn by one rule, `split.by` in params.yaml: by row, by group (a
group's rows stay together) or by time (what is learnt from comes before what it is tried on).

Test rows are drawn each by itself, so that a row stays on its side whatever other rows come or go.
Folds are drawn so that classes are spread evenly, since nothing outlasts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UserError
from ..params import Params
from .contract import Contract
from .uniqueness import found_in

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# Positions of the rows to learn from and of those to try it on.
Fold = tuple["np.ndarray", "np.ndarray"]


def require_column(contract: Contract, by: str) -> str:
    """The column that rows are split by: of the contract's `group`, or its `time`.

    Raises:
        UserError: The contract names none.
    """
    column = {"group": contract.group, "time": contract.time}[by]
    if column is None:
        raise UserError(
            f"params.yaml: split.by: {by} needs a column; name it as `{by}:` in "
            "references/schema.yaml"
        )
    return column


Rows = Callable[[], Iterable["pd.DataFrame"]]
"""Gives all rows, batch by batch."""
Side = Callable[["pd.DataFrame"], "np.ndarray"]
"""(n_rows,) whether each of some rows is on a side."""


class Sides(NamedTuple):
    """By what rows are for training or for the test."""

    train: Side
    test: Side
    rule: str
    """In words."""

    def require_both(self, train: int, test: int) -> None:
        """Check that so many rows on each side are enough to compute a score from.

        Raises:
            UserError: A side has fewer than two.
        """
        if min(train, test) < 2:
            raise UserError(
                f"params.yaml: split: {train + test} rows split {self.rule} are {train} for "
                f"training and {test} for the test; both need two or more"
            )


def set_test_apart(
    frame: pd.DataFrame, contract: Contract, params: Params
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The train rows and the test rows of a table, each in its order; see `sides`.

    Raises:
        UserError: The contract lacks the column to split by, or a side has fewer than two rows.
    """
    by = sides(lambda: [frame], contract, params)
    train, test = (frame[side(frame)].reset_index(drop=True) for side in (by.train, by.test))
    by.require_both(len(train), len(test))
    return train, test


def sides(rows: Rows, contract: Contract, params: Params) -> Sides:
    """The rules by which rows are for training and for the test, each looked at by itself.

    A split that the contract's `part` gives is kept, but for train rows that equal a test row,
    which are on neither side. To split by time takes sixteen bytes of memory per row.

    Args:
        rows: Gives all rows in batches, for what has to be known of them beforehand.
        contract: Names the columns.
        params: Says how to split.

    Raises:
        UserError: The contract lacks the column to split by, or rows lack what decides their side.
    """
    if contract.part is not None and any(given_split(batch, contract) for batch in rows()):
        return _given(rows, contract)
    share = params.split.test_fraction
    rule = f"by {params.split.by} with a test_fraction of {share:g} and seed {params.seed}"
    if params.split.by == "time":
        test = _of_latest(rows, require_column(contract, "time"), share)
    else:
        test = partial(_of_keyed, contract, params)
    return Sides(lambda frame: ~test(frame), test, rule)


def _of_latest(rows: Rows, column: str, share: float) -> Side:
    import pandas as pd

    times = pd.concat([batch[column] for batch in rows()], ignore_index=True)
    first = _first_of_latest(times, share)
    return lambda frame: _since(first, frame[column])


def _of_keyed(contract: Contract, params: Params, frame: pd.DataFrame) -> np.ndarray:
    return keyed(_key(frame, contract, params), params.split.test_fraction, params.seed)


def given_split(frame: pd.DataFrame, contract: Contract) -> bool:
    """Whether the rows say which side they are on."""
    return contract.part is not None and bool(frame[contract.part].notna().any())


def _given(rows: Rows, contract: Contract) -> Sides:
    import numpy as np

    part, hashes, silent, many = contract.part or "", [], 0, 0
    for batch in rows():
        test = batch[batch[part] == "test"]
        hashes.append(row_hashes(test[contract.observation], 0).to_numpy())
        silent, many = silent + int(batch[part].isna().sum()), many + len(batch)
    if silent:
        raise UserError(
            f"references/schema.yaml: part: {part!r} says nothing about {silent} of {many} rows; "
            "give each train or test"
        )
    known = np.unique(np.concatenate(hashes))

    def of_test(frame: pd.DataFrame) -> np.ndarray:
        return (frame[part] == "test").to_numpy()

    def of_train(frame: pd.DataFrame) -> np.ndarray:
        _, copies = found_in(known, row_hashes(frame[contract.observation], 0).to_numpy())
        fresh: np.ndarray = ~of_test(frame) & ~copies
        return fresh

    return Sides(of_train, of_test, "as given")


def _key(frame: pd.DataFrame, contract: Contract, params: Params) -> pd.DataFrame:
    """The columns whose equal values stay together, by row or by group."""
    by_group = params.split.by == "group"
    return frame[[require_column(contract, "group")] if by_group else contract.observation]


def keyed(frame: pd.DataFrame, share: float, seed: int) -> np.ndarray:
    """(n_rows,) whether the hash of a row's content is in the lowest `share` of all hashes.

    Equal rows are on one side, and other rows have no say in it: the share is kept on average.
    """
    return (row_hashes(frame, seed) < share * 2.0**64).to_numpy()


def _drawn(frame: pd.DataFrame, contract: Contract, params: Params, share: float) -> np.ndarray:
    """(n_rows,) whether a row is in the share that is set apart."""
    import pandas as pd

    if params.split.by == "time":
        return latest(frame[require_column(contract, "time")], share)
    by_group = params.split.by == "group"
    strata = pd.Series(True, index=frame.index) if by_group else _strata(frame, contract, params)
    return draw(_key(frame, contract, params), strata, share, params.seed)


def _strata(frame: pd.DataFrame, contract: Contract, params: Params) -> pd.Series:
    """(n_rows,) what an equal share is taken of: each class, or all rows of a regression."""
    target = frame[contract.target]
    return target if params.kind == "classification" else target.notna()


def draw(frame: pd.DataFrame, strata: pd.Series, share: float, seed: int) -> np.ndarray:
    """Draw rows by what they contain, not by where they stand.

    The first rows of each stratum, in the order of `_lined_up`, are drawn until their share is
    nearest to `share`. So rows that are equal in every column fall on the same side. A stratum with
    two distinct rows or more has rows on both sides.

    Args:
        frame: (n_rows, n_columns) what tells rows apart.
        strata: (n_rows,) label of the group in which a row's share is taken.
        share: Share of each stratum to draw, between 0 and 1.
        seed: Another seed draws other rows.

    Returns:
        (n_rows,) whether a row is drawn.
    """
    line = _lined_up(frame, strata, seed)
    first, last = line["reached"] == line["copies"], line["reached"] == line["rows"]
    return (~last & (first | (line["middle"] < share))).to_numpy()


def deal(frame: pd.DataFrame, strata: pd.Series, many: int, seed: int) -> np.ndarray:
    """(n_rows,) the fold, from 0, that each row is tried in; for the arguments see `draw`.

    Equal parts of each stratum's line: equal rows are in one fold, and each fold has its share.
    """
    return (_lined_up(frame, strata, seed)["middle"] * many).astype(int).to_numpy()


def _lined_up(frame: pd.DataFrame, strata: pd.Series, seed: int) -> pd.DataFrame:
    """Each stratum's distinct rows in the order of a hash of their content.

    Returns:
        For each row of `frame` how many rows are equal to it (`copies`), how many its stratum has
        (`rows`), how many of them the line has with it (`reached`), and the share of the line at
        the middle of its copies (`middle`).
    """
    import pandas as pd

    keys = pd.DataFrame({"stratum": strata.to_numpy(), "hash": row_hashes(frame, seed).to_numpy()})
    line = keys.groupby(["stratum", "hash"]).size().rename("copies").to_frame()
    of_stratum = line["copies"].groupby("stratum")
    line["rows"], line["reached"] = of_stratum.transform("sum"), of_stratum.cumsum()
    line["middle"] = (line["reached"] - line["copies"] / 2) / line["rows"]
    return line.loc[pd.MultiIndex.from_frame(keys)].reset_index(drop=True)


def latest(times: pd.Series, share: float) -> np.ndarray:
    """(n_rows,) whether a row is among the latest `share`; rows of one time stay together.

    Raises:
        UserError: A row has no time.
    """
    return _since(_first_of_latest(times, share), times)


def _first_of_latest(times: pd.Series, share: float) -> Any:
    """The first time of the latest `share`, or the next one where its middle row is too early.

    The earliest time of all is never among them; there is none if no other is late enough.
    """
    import numpy as np

    _require_times(times)
    ordered, start = np.sort(times.to_numpy()), (1 - share) * len(times)
    place = min(int(start), len(ordered) - 1)
    first, behind = (np.searchsorted(ordered, ordered[place], side) for side in ("left", "right"))
    if first == 0 or (first + behind) / 2 <= start:
        place = behind
    return ordered[place] if place < len(ordered) else None


def _since(first: Any, times: pd.Series) -> np.ndarray:
    import numpy as np

    if first is None:
        return np.zeros(len(times), dtype=bool)
    since: np.ndarray = (times >= first).to_numpy(dtype=bool)
    return since


def row_hashes(frame: pd.DataFrame, seed: int) -> pd.Series:
    """(n_rows,) unsigned 64-bit hash of each row's values and the seed."""
    import pandas as pd

    hashes = pd.util.hash_pandas_object(frame.assign(**{_unused_name(frame): seed}), index=False)
    return hashes.reset_index(drop=True)


def _unused_name(frame: pd.DataFrame) -> str:
    name = "seed"
    while name in frame.columns:
        name += "_"
    return name


def folds(rows: pd.DataFrame, contract: Contract, params: Params) -> list[Fold]:
    """The folds that candidates are compared on, by the rule that set the test rows apart.

    By row, every class of a classification has its share in each fold. By group, classes are
    spread as evenly as whole groups allow. By time, fold after fold learns from all that came
    before the rows it is tried on. With `train.holdout` there is one fold, that share of the rows.

    Raises:
        UserError: There are too few rows, classes, groups or times for so many folds.
    """
    y = rows[contract.target].to_numpy()
    _require_variety(y, params, "the train rows hold")
    if params.train.holdout is not None:
        made = [_held_out(rows, contract, params, params.train.holdout)]
    elif params.split.by == "time":
        made = _forward(rows[require_column(contract, "time")], params.train.many_folds)
    elif params.split.by == "group":
        made = _by_group(y, rows[require_column(contract, "group")], params)
    else:
        made = _by_row(rows, contract, params)
    for number, (learnt, _) in enumerate(made, start=1):
        _require_variety(
            y[learnt], params, f"split by {params.split.by}, fold {number} learns from"
        )
    return made


def apart_from(tried: pd.DataFrame, rows: Rows, contract: Contract, params: Params) -> np.ndarray:
    """(n_rows,) which of all rows may be learnt from by what is then tried on some of them.

    By the rule that divides rows: those of other content, of other groups, or of earlier times.

    Args:
        tried: Some of the rows.
        rows: Gives all rows in batches.
        contract: Names the columns.
        params: Says how rows are divided.
    """
    import numpy as np

    if params.split.by == "time":
        column = require_column(contract, "time")
        first = tried[column].min()
        return np.concatenate([~_since(first, batch[column]) for batch in rows()])

    def hashes(frame: pd.DataFrame) -> np.ndarray:
        return row_hashes(_key(frame, contract, params), params.seed).to_numpy()

    known = np.unique(hashes(tried))
    return np.concatenate([~found_in(known, hashes(batch))[1] for batch in rows()])


def _require_variety(y: np.ndarray, params: Params, where: str) -> None:
    import pandas as pd

    values = pd.unique(y)
    if len(values) == 1 and params.kind == "classification":
        raise UserError(f"{where} one class only, {values[0]!r}; two are needed")
    if len(values) == 1:
        raise UserError(f"{where} one target only, {values[0]:g}; there is nothing to tell apart")


def _held_out(rows: pd.DataFrame, contract: Contract, params: Params, share: float) -> Fold:
    import numpy as np

    tried = _drawn(rows, contract, params, share)
    if min(tried.sum(), (~tried).sum()) < 2:
        raise UserError(
            f"params.yaml: train.holdout: {share:g} of {len(rows)} rows, split by "
            f"{params.split.by}, leaves fewer than two on a side"
        )
    return np.flatnonzero(~tried), np.flatnonzero(tried)


def _by_row(rows: pd.DataFrame, contract: Contract, params: Params) -> list[Fold]:
    import numpy as np

    many, strata = params.train.many_folds, _strata(rows, contract, params)
    _require_rows(rows[contract.target].to_numpy(), params)
    dealt = deal(rows[contract.observation], strata, many, params.seed)
    made = [(np.flatnonzero(dealt != fold), np.flatnonzero(dealt == fold)) for fold in range(many)]
    if not all(len(tried) for _, tried in made):
        raise UserError(
            f"params.yaml: train.folds: equal rows stay together, and too few of the {len(rows)} "
            f"train rows differ for {many} folds"
        )
    return made


def _require_rows(y: np.ndarray, params: Params) -> None:
    import numpy as np

    many = params.train.many_folds
    if len(y) < many:
        raise UserError(f"params.yaml: train.folds: {many} is more than the {len(y)} train rows")
    if params.kind == "regression":
        return
    classes, counts = np.unique(y, return_counts=True)
    if counts.min() < many:
        raise UserError(
            f"params.yaml: train.folds: {many} folds need {many} train rows of each class, but "
            f"{classes[counts.argmin()]!r} has {counts.min()}"
        )


def _by_group(y: np.ndarray, groups: pd.Series, params: Params) -> list[Fold]:
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    _require_rows(y, params)
    many, distinct = params.train.many_folds, groups.nunique(dropna=False)
    if distinct < many:
        raise UserError(
            f"params.yaml: train.folds: {many} folds by group need {many} groups, but "
            f"{groups.name!r} has {distinct} in the train rows"
        )
    stratified = params.kind == "classification"
    folder = (StratifiedGroupKFold if stratified else GroupKFold)(
        many, shuffle=True, random_state=params.seed
    )
    return list(folder.split(y, y, groups.astype("str")))


def _forward(times: pd.Series, many: int) -> list[Fold]:
    import numpy as np
    from sklearn.model_selection import TimeSeriesSplit

    _require_times(times)
    distinct, places = np.unique(times.to_numpy(), return_inverse=True)
    if len(distinct) <= many:
        raise UserError(
            f"params.yaml: train.folds: {many} folds by time need {many + 1} times, but "
            f"{times.name!r} has {len(distinct)} in the train rows"
        )
    return [
        (np.flatnonzero(places < later[0]), np.flatnonzero(np.isin(places, later)))
        for _, later in TimeSeriesSplit(many).split(distinct)
    ]


def _require_times(times: pd.Series) -> None:
    if times.isna().any():
        raise UserError(
            f"references/schema.yaml: time: {times.isna().sum()} of {len(times)} rows lack "
            f"{times.name!r}; make it `nullable: false`, so that ingest sets them aside"
        )
