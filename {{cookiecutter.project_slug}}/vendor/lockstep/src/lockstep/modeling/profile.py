"""The profile of a model: what its rows and its predictions were like when it was trained.

It stands in the model's folder as profile.json, and is small whatever the rows: counts on scales,
never rows. Whatever is watched later is counted on the same scales.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..core.contract import LEVELS, NUMBERS, Column, Contract
from ..core.errors import UserError
from ..core.examples import GAPS, PAST, STEP
from ..core.files import sha256, write_text
from ..core.params import EvaluateParams, Params
from ..data.folds import Fold
from ..data.past import measure_gaps
from ..data.split import find_groups
from .compare import CONFIDENCE, STANDARD_ERROR_RESAMPLES
from .embedding import Embedding
from .expectation import Expectation
from .intervals import summarise
from .lexicon import Lexicon, name_words, summarise_train_texts
from .metrics import run_metrics
from .model import DESCRIPTION, Model
from .outcome import CLARITY, ODDNESS, PROBABILITY, Outcome
from .row_blocks import MOST_BARS, Blocks, BlockTally, find_block_column
from .scales import Scale, list_numbers, make_number_scale, make_scale
from .signals import summarise_signals
from .tallies import Tally
from .train_rows import TrainRows

PROFILE = "profile.json"
FORM = 1
PREDICTION = "prediction"
QUARTILES_APART = 1.349
"""Those of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Profile:
    """What the train rows, and the predictions of rows that were not learnt from, were like."""

    rows: int
    """How many train rows it counts."""
    scales: dict[str, Scale]
    """Of features and scores by their names: `prediction` and, of classes, `probability_<class>`;
    of labels these alone. Points in time always move, and are left out; so is a feature that is
    called like a score. Of forecasts `gaps` stands for the latest values, and numbers are as models
    learn them: see `Outcome.relative_to`. Of sequences the numbers of `summarise_signals` stand for
    the signal, and for sentences what a `Lexicon` tells of them."""
    tallies: dict[str, Tally]
    """The train rows on these scales; of scores, what models said that had not learnt the rows,
    but of clusters what the model itself says, since no other one calls them the same."""
    spreads: dict[str, float]
    """Of numbers how much they vary, in their unit; see `find_spread`."""
    scores: tuple[str, ...]
    metrics: dict[str, dict[str, float | None]]
    """`figure`, `low` and `high` of each metric on rows that were not learnt from."""
    expectation: Expectation
    """What may turn out to be true of rows, by what was true of these."""
    blocks: Blocks | None = None
    """The same rows block by block, where they depend on each other."""
    embedding: Embedding | None = None
    """What numbers stand for an image."""
    lexicons: Mapping[str, Lexicon] = field(default_factory=dict)
    """What stands for sentences, by their columns."""

    @property
    def embeddings(self) -> tuple[str, ...]:
        """Which of the names are of numbers that stand for an image."""
        return self.embedding.names if self.embedding else ()

    @property
    def words(self) -> set[str]:
        """Which of the names are of words that stand for sentences."""
        return {*map(name_words, self.lexicons)}

    @cached_property
    def bars(self) -> dict[str, np.ndarray]:
        """Of each name (n_places + 1,) the bar that each place belongs to, and missing values.

        Bars join neighbouring places, or rare categories, so that few remain. The last one is that
        of missing values; it stands where a place of -1 finds it.
        """
        bars = {}
        for name, scale in self.scales.items():
            coarse = self.coarse(name)
            bars[name] = np.append(scale.place_in(coarse), coarse.size)
        return bars

    @cached_property
    def block_bars(self) -> dict[str, np.ndarray]:
        """The same for blocks, where what is new of a level has a bar of its own, the last but one.

        In that of all rare categories nobody could tell it from these.
        """
        bars = dict(self.bars)
        for name, scale in self.scales.items():
            if not scale.is_number:
                own, last = bars[name], bars[name][-1]
                bars[name] = np.append(
                    np.where(find_new(self.tallies[name]), last, own[:-1]), last + 1
                )
        return bars

    def coarse(self, name: str) -> Scale:
        """The scale of the bars."""
        return self.scales[name].coarsen(self.tallies[name].counts, MOST_BARS)

    def write(self, folder: Path) -> None:
        """Write it into the folder of its model; the same profile gives the same bytes."""
        text = json.dumps(
            self._describe(), ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        write_text(text + "\n", folder / PROFILE)

    def _describe(self) -> dict[str, Any]:
        columns = {}
        for name, scale in self.scales.items():
            tally = self.tallies[name]
            columns[name] = {
                **({"edges": scale.edges} if scale.is_number else {"categories": scale.categories}),
                "counts": tally.counts.tolist(),
                "missing": tally.missing,
                "others": dict(sorted(tally.others.items())),
            }
        blocks = self.blocks and {
            "by": self.blocks.by,
            "counts": {name: table.tolist() for name, table in self.blocks.counts.items()},
        }
        return {
            "form": FORM,
            "rows": self.rows,
            "columns": columns,
            "spreads": self.spreads,
            "scores": self.scores,
            "metrics": self.metrics,
            "expectation": self.expectation.model_dump(mode="json", exclude_none=True),
            "blocks": blocks,
            "embedding": self.embedding and self.embedding.describe(),
            "lexicons": {name: lexicon.describe() for name, lexicon in self.lexicons.items()},
        }


def read_profile(folder: Path, name: str) -> Profile | None:
    """The profile in a model's folder; None of a model that was trained before there were any.

    Raises:
        UserError: It is not the one that was saved with the model.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        expected = description["sha256"].get(PROFILE)
        if expected is None:
            return None
        if sha256(folder / PROFILE) != expected:
            raise UserError(f"{name}: {PROFILE} is not the file that was saved; train again")
        content = json.loads((folder / PROFILE).read_text(encoding="utf-8"))
        if content["form"] != FORM:
            raise UserError(f"{name}: {PROFILE} is not of form {FORM}; train again")
        return _parse(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{name}: not a complete saved model; `dvc repro train` makes one"
        ) from error


def read_lexicons(model: Model, folder: Path, name: str) -> Mapping[str, Lexicon]:
    """What is known of the words of each column of sentences, of a model in its folder.

    Raises:
        UserError: See `read_profile`.
    """
    if not any(model.contract.columns[feature].type == "text" for feature in model.features):
        return {}
    profile = read_profile(folder, name)
    return profile.lexicons if profile else {}


def _parse(content: dict[str, Any]) -> Profile:
    scales, tallies = {}, {}
    for name, column in content["columns"].items():
        scales[name] = Scale(tuple(column.get("edges", ())), tuple(column.get("categories", ())))
        counts = np.array(column["counts"], dtype="int64")
        tallies[name] = Tally(counts, column["missing"], Counter(column["others"]))
    blocks = content["blocks"] and Blocks(
        content["blocks"]["by"],
        {name: np.array(table) for name, table in content["blocks"]["counts"].items()},
    )
    return Profile(
        content["rows"],
        scales,
        tallies,
        content["spreads"],
        tuple(content["scores"]),
        content["metrics"],
        Expectation.model_validate(content["expectation"]),
        blocks,
        content["embedding"] and Embedding.parse(content["embedding"]),
        {name: Lexicon.parse(one) for name, one in content.get("lexicons", {}).items()},
    )


def make_profile(
    model: Model, rows: TrainRows, folds: Sequence[Fold], outcomes: Sequence[Outcome]
) -> Profile:
    """The profile of a model.

    Args:
        model: The model, which has learnt from all rows.
        rows: The train rows.
        folds: Which of those in memory were predicted by models that had not learnt from them.
        outcomes: Of each fold, what was predicted for these, and what was true.
    """
    table = rows.table
    validated = np.concatenate([validation for _, validation in folds])
    groups = find_groups(table.iloc[validated], model.contract)
    outcome = Outcome.concatenate(outcomes, groups)
    if model.contract.history is not None:
        # Series grow, and one is larger than another, which must be no alarm.
        outcome = outcome.relative_to(table.iloc[validated])
    embedding = _fit_embedding(model, table)
    if model.contract.clusters:  # those of a fold are called otherwise than the model's own
        predictions = model.apply(table.iloc[validated])
        scores = {name: predictions[name] for name in (PREDICTION, CLARITY)}
    else:
        scores = list_scores(outcome)
    lexicons = {
        name: Lexicon.fit(table[name])
        for name in model.features
        if model.contract.columns[name].type == "text"
    }
    columns = _list_features(model, table, embedding)
    described = dict(model.contract.features_only())
    for name, lexicon in lexicons.items():
        summaries = summarise_train_texts(table[name], lexicon)
        columns |= {key: summaries[key] for key in lexicon.make_columns(name)}
        described |= {key: one for key, one in lexicon.make_columns(name).items() if one}
    columns |= scores
    described = {name: one for name, one in described.items() if name not in scores}
    scales = {
        name: _make_scale(values, described.get(name), _list_texts(model))
        for name, values in columns.items()
    }
    tallies = {name: Tally.empty(scale) for name, scale in scales.items()}
    places = {name: tallies[name].add(columns[name], scale) for name, scale in scales.items()}
    held_out = {name: of if name in scores else of[validated] for name, of in places.items()}
    profile = Profile(
        len(table),
        scales,
        tallies,
        {name: find_spread(columns[name]) for name in scales if scales[name].is_number},
        tuple(scores),
        _measure(outcome, rows.params),
        Expectation.fit(outcome, held_out),
        embedding=embedding,
        lexicons=lexicons,
    )
    return replace(profile, blocks=_count_blocks(profile, places, table, validated, model.contract))


def _list_texts(model: Model) -> list[str]:
    """The texts that a prediction may be."""
    return model.clusters if model.contract.clusters else model.contract.classes


def _fit_embedding(model: Model, table: pd.DataFrame) -> Embedding | None:
    if model.contract.images is None:
        return None
    return Embedding.fit(model.pipeline, table[model.contract.features])


def _list_features(
    model: Model, table: pd.DataFrame, embedding: Embedding | None
) -> dict[str, pd.Series]:
    """(n_rows,) of each feature that is watched, and the numbers that stand for an image."""
    columns = model.contract.columns
    features = {
        name: table[name]
        for name in model.features
        if columns[name].type in (*NUMBERS, *LEVELS) and name not in (model.contract.time, STEP)
    }
    if embedding is not None:
        numbers = embedding.embed(model.pipeline, table[model.contract.features])
        features = {name: numbers[name] for name in embedding.names} | features
    if model.contract.points is not None:
        summaries = summarise_signals(table, model.contract)
        features |= {name: summaries[name] for name in summaries.columns}
    if PAST in columns:
        features[GAPS] = pd.Series(measure_gaps(table[PAST].tolist(), columns[PAST]))
    return features


def list_scores(outcome: Outcome) -> dict[str, pd.Series]:
    """(n_rows,) what was predicted, by the names of the columns that `Model.apply` gives."""
    if outcome.labels:  # which of them come together, their probabilities tell
        shares = zip(outcome.labels, outcome.predicted.T, strict=True)
        return {f"{PROBABILITY}{name}": pd.Series(own) for name, own in shares}
    if not outcome.classes:
        return {PREDICTION: pd.Series(outcome.predicted)}
    decisions = pd.Series(np.array(outcome.classes)[outcome.decisions], dtype="str")
    if outcome.injected is not None:
        return {PREDICTION: decisions, ODDNESS: pd.Series(outcome.oddness)}
    probabilities = zip(outcome.classes, outcome.predicted.T, strict=True)
    return {PREDICTION: decisions} | {
        f"{PROBABILITY}{name}": pd.Series(shares) for name, shares in probabilities
    }


def _count_blocks(
    profile: Profile,
    places: Mapping[str, np.ndarray],
    table: pd.DataFrame,
    validated: np.ndarray,
    contract: Contract,
) -> Blocks | None:
    """The rows block by block: features of all, and scores of those that were not learnt from."""
    if (column := find_block_column(contract)) is None:
        return None
    by, key = column
    keys = table[key]
    counts: dict[str, np.ndarray] = {}
    for are_scores, own in ((False, keys), (True, keys.iloc[validated])):
        part = [name for name in places if (name in profile.scores) == are_scores]
        tally = BlockTally(by, {name: profile.block_bars[name] for name in part})
        tally.add(own, places)
        counts |= tally.blocks.counts
    return Blocks(by, counts)


def _make_scale(values: pd.Series, column: Column | None, classes: list[str]) -> Scale:
    """The scale of a column of the contract or of a score; classes are the only texts of these."""
    if column is not None:
        return make_scale(values, column)
    return Scale(categories=tuple(classes)) if values.dtype == "str" else make_number_scale(values)


def find_new(tally: Tally) -> np.ndarray:
    """(size,) which places of a level are of categories that have not come, or of other texts."""
    is_new: np.ndarray = tally.counts == 0
    is_new[-1] = True
    return is_new


def find_spread(values: pd.Series) -> float:
    """The standard deviation that some numbers have but for a few far away, or else 1.

    It is that of a normal distribution with the same quartiles or, if that is more, as it is of
    many zeros and some others, their own with the outermost hundredths drawn in.
    """
    numbers = list_numbers(values)
    if not len(numbers):
        return 1.0
    low, lower, upper, high = np.quantile(numbers, [0.01, 0.25, 0.75, 0.99])
    inner, outer = (upper - lower) / QUARTILES_APART, numbers.clip(low, high).std()
    return float(max(inner, outer) or numbers.std() or 1)


def _measure(outcome: Outcome, params: Params) -> dict[str, dict[str, float | None]]:
    settings = EvaluateParams(resamples=STANDARD_ERROR_RESAMPLES, confidence=CONFIDENCE)
    figures = summarise(run_metrics(params), outcome, settings, params.seed)
    intervals = figures.pop("intervals")
    ends = {name: intervals[name] or [None, None] for name in figures}
    return {
        name: {"figure": figure, "low": ends[name][0], "high": ends[name][1]}
        for name, figure in figures.items()
    }
