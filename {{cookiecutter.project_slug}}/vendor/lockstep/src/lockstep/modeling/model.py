"""A fitted model: used, saved as a folder, and loaded by a new process.

model.json       what it is: candidate, kind, contract, library versions, the other files' hashes,
                 and what its predictions become
pipeline.joblib  the fitted scikit-learn pipeline, without a network
network.keras    the network of a Keras candidate
vocabulary.json  of one that reads sentences word by word, the numbers of the words
profile.json     of a champion, what its train rows and its predictions were like
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ..core.contract import Contract
from ..core.errors import UserError, guard_reading
from ..core.files import replacing_directory, sha256, write_json
from ..core.kinds import Kind
from ..core.labels import decode_labels
from ..core.params import predicts_numbers
from ..core.paths import Paths
from ..data.history import frame_history
from ..data.new_rows import NewRows, parse_rows
from ..data.sequences import gather_frame
from ..data.series import Framing
from .archive import write_joblib, write_keras
from .because import BECAUSE, explain_oddness
from .blocks import predict_in_blocks
from .cluster_trials import try_clusters
from .exposure import find_exposure
from .features import used_columns
from .networks import Network, load_network, without_network
from .outcome import (
    CLARITY,
    EXPOSURE,
    FORECAST,
    ODDNESS,
    ODDNESS_IF,
    PROBABILITY,
    Outcome,
    decide,
    decide_labels,
)
from .postprocessing import NONE, Postprocessing, cut_to_range
from .series import decode_target, encode_target
from .tokens import find_tokens, read_vocabulary, without_vocabulary, write_vocabulary
from .unpickler import read_joblib

if TYPE_CHECKING:
    from .profile import Profile

DESCRIPTION, PIPELINE, NETWORK = "model.json", "pipeline.joblib", "network.keras"
VOCABULARY = "vocabulary.json"


@dataclass(frozen=True)
class Model:
    """A fitted pipeline and what is needed to use it rightly."""

    pipeline: Pipeline
    candidate: str
    kind: Kind
    contract: Contract
    postprocessing: Postprocessing = NONE

    @property
    def features(self) -> list[str]:
        """The contract's features that a prediction depends on, without those that are dropped."""
        columns = {*used_columns(self.pipeline[0]), self.contract.exposure}
        return [name for name in self.contract.features if name in columns]

    @property
    def inputs(self) -> list[str]:
        """The columns of rows to predict that a prediction depends on, by the contract of those.

        A forecast takes all that its series are framed from, a sequence all that is of a point.
        """
        points = self.contract.points
        if points is not None:
            names = (points.sequence, points.time, *points.features)
            return [*dict.fromkeys(name for name in names if name is not None)]
        if self.contract.history is None:
            return self.features
        return Framing.of_contract(self.contract.history).names

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict rows as they come, each held against the contract by itself.

        A row's prediction is the same bits whatever other rows there are. A forecast is made from
        the rows of its series alone: see `data.history`.

        Args:
            frame: (n_rows, n_columns) table with at least the features: cells as they stand in the
                raw data, typed ones, or both. An image is the bytes of its pixels. Of a forecast
                the rows of the series so far; later ones tell what is known ahead. Of sequences
                their points.

        Returns:
            (n_rows,) the contract's identifiers, as far as `frame` has them; the columns of
            `apply`; and `reason`, which says what breaks the contract in a row that therefore has
            no prediction. The index is that of `frame`. Of a forecast (n_series * horizon,) rows:
            series, time and step stand in the place of identifiers; of sequences (n_sequences,).

        Raises:
            UserError: A feature has no column.
        """
        return self.predict_rows(self.parse(frame, "the table"))

    def parse(self, frame: pd.DataFrame, name: str) -> NewRows:
        """The rows that are predicted of a table, which messages call `name`: see `predict`."""
        if self.contract.history is not None:
            return frame_history(frame, self.contract, name)
        if self.contract.points is not None:
            return gather_frame(frame, self.contract, name)
        return parse_rows(frame, self.contract, name)

    def predict_rows(self, rows: NewRows) -> pd.DataFrame:
        """Predict rows that are parsed already; see `predict`."""
        is_whole = rows.reasons.isna().to_numpy()
        predictions = self.apply(rows.X[is_whole]).drop(columns=EXPOSURE, errors="ignore")
        predictions = predictions.set_axis(np.flatnonzero(is_whole))
        predictions = predictions.reindex(range(len(is_whole))).set_axis(rows.X.index)
        names = rows.names.drop(columns=[*predictions, rows.reasons.name], errors="ignore")
        return pd.concat([names, predictions, rows.reasons], axis=1)

    def apply(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict from the contract's feature columns, all of which keep it.

        Args:
            X: (n_rows, n_columns) table with at least the features, typed by the contract; of a
                forecast also what its examples carry.

        Returns:
            (n_rows,) `prediction`. For a classification it is the most probable class, or what a
            threshold makes of the probabilities, and there is `probability_<class>` for each class
            of the contract, zero for one that the model has not seen. Of several labels it is the
            text of those that are at least as probable as their threshold, empty where none is, and
            there is `probability_<label>` for each. Of numbers there are `prediction_low` and
            `prediction_high`, the ends of its interval, unless there were too few validation rows
            for one; all three keep to the contract's range. Where rows have an exposure, all three
            are for the whole exposure of the row, and it stands beside them. Of anomalies
            `prediction` is the first or the second class, `oddness` the share of validation rows
            that are less odd, and `because` says of an anomaly which columns make it odd. Of
            clusters `prediction` is the number of one, from 1, the largest, and `clarity` says how
            clearly a row is of it, from -1 to 1, below 0 where the centre of another one is nearer.
        """
        if predicts_numbers(self.kind):
            return self._predict_numbers(X)
        if self.kind == "anomalies":
            return self._find_anomalies(X[self.contract.features])
        if self.kind == "clustering":
            return self._assign(X[self.contract.features])
        X = X[self.contract.features]
        if self.contract.labels:
            return self._predict_labels(X)
        classes, columns = self.contract.classes, self.pipeline.classes_
        shares = self._predict("predict_proba", X) if len(X) else np.empty((0, len(columns)))
        probabilities = pd.DataFrame(shares, columns=columns)
        probabilities = probabilities.reindex(columns=classes, fill_value=0.0)
        places = decide(probabilities.to_numpy(), self.postprocessing.threshold)
        decisions = pd.Series(np.array(classes)[places])
        return pd.concat(
            [decisions.astype("str").rename("prediction"), probabilities.add_prefix(PROBABILITY)],
            axis=1,
        )

    @property
    def clusters(self) -> list[str]:
        """What clusters are called, the largest one first."""
        return [str(number) for number in range(1, self.pipeline[-1].count + 1)]

    def _assign(self, X: pd.DataFrame) -> pd.DataFrame:
        places, clarity = (self._predict("assign", X) if len(X) else np.empty((0, 2))).T
        names = pd.Series(np.array(self.clusters)[places.astype("int64")], dtype="str")
        return pd.DataFrame({"prediction": names, CLARITY: clarity})

    def _find_anomalies(self, X: pd.DataFrame) -> pd.DataFrame:
        oddness, learnt = self.find_oddness(X), self.postprocessing
        threshold = 0.5 if learnt.threshold is None else learnt.threshold
        is_odd = oddness >= threshold
        table = pd.DataFrame(
            {
                "prediction": np.array(self.contract.classes)[is_odd.astype(int)],
                ODDNESS: oddness,
                BECAUSE: pd.Series(None, range(len(X)), dtype="str"),
            }
        ).astype({"prediction": "str"})
        if learnt.marginals is not None and is_odd.any():
            reasons = explain_oddness(X[is_odd], learnt.marginals, self.score)
            table.loc[is_odd, BECAUSE] = reasons
        return table

    def find_oddness(self, X: pd.DataFrame) -> np.ndarray:
        """(n_rows,) the share of rows that are less odd, of (n_rows, n_features) typed features."""
        scores, oddness = self.score(X), self.postprocessing.oddness
        return scores if oddness is None else oddness.rank(scores)

    def score(self, X: pd.DataFrame) -> np.ndarray:
        """(n_rows,) how odd the detector finds (n_rows, n_features) features, on its own scale."""
        return -self._predict("score_samples", X) if len(X) else np.empty(0)

    def _predict_labels(self, X: pd.DataFrame) -> pd.DataFrame:
        labels = self.contract.labels
        shares = self._predict("predict_proba", X) if len(X) else np.empty((0, len(labels)))
        decisions = decide_labels(shares, self.postprocessing.thresholds)
        texts = decode_labels(decisions, self.contract.columns[self.contract.target])
        probabilities = pd.DataFrame(shares, columns=labels).add_prefix(PROBABILITY)
        return pd.concat([texts.rename("prediction"), probabilities], axis=1)

    def _predict_numbers(self, X: pd.DataFrame) -> pd.DataFrame:
        features = X[self.contract.features]
        y = self._predict("predict", features) if len(X) else np.empty(0)
        numbers = cut_to_range(decode_target(y, X, self.contract), self.contract)
        table = pd.DataFrame({"prediction": numbers})
        ends = self.postprocessing.find_interval(numbers, X, self.contract)
        table = table if ends is None else table.join(ends)
        exposure = find_exposure(X, self.contract)
        return table if exposure is None else table.assign(**{EXPOSURE: exposure})

    def _predict(self, method: str, X: pd.DataFrame) -> np.ndarray:
        estimator = self.pipeline[-1]
        numbers = self.pipeline[:-1].transform(X)
        return predict_in_blocks(estimator, getattr(estimator, method), numbers)

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """(n_rows, n_numbers) what the recipe makes of (n_rows, n_columns) typed columns."""
        return np.asarray(self.pipeline[:-1].transform(X[self.contract.features]), "float64")

    def try_on(self, rows: pd.DataFrame) -> Outcome:
        """What it predicts for rows, as `apply` does, beside their true target.

        Clusters are beside those that are found in these rows alone.

        Args:
            rows: (n_rows, n_columns) typed table with what `apply` takes, and the target.
        """
        contract, learnt = self.contract, self.postprocessing
        if self.kind == "anomalies":
            return self._try_for_anomalies(rows)
        if self.kind == "clustering":
            return try_clusters(self.pipeline[-1], self.transform(rows))
        if contract.labels:
            actual, predictions = encode_target(rows, contract), self.apply(rows)
            return Outcome.from_labels(actual, predictions, contract.labels, learnt.thresholds)
        return Outcome.from_predictions(
            rows[contract.target].to_numpy(),
            self.apply(rows),
            contract.classes,
            learnt.threshold,
            coverage=learnt.coverage,
            forecasts=rows[FORECAST] if contract.forecasts else None,
        )

    def _try_for_anomalies(self, rows: pd.DataFrame) -> Outcome:
        contract, learnt = self.contract, self.postprocessing
        X = rows[contract.features]
        odd = {} if learnt.marginals is None else learnt.marginals.make_odd(X)
        injected = {f"{ODDNESS_IF}{way}": self.find_oddness(one) for way, one in odd.items()}
        return Outcome.from_predictions(
            rows[contract.target].to_numpy(),
            pd.DataFrame({ODDNESS: self.find_oddness(X), **injected}),
            contract.classes,
            learnt.threshold,
        )

    def save(self, directory: Path, profile: Profile | None = None) -> None:
        """Write the model, and its profile, as the folder `directory`, in place of what was there.

        The same model gives the same bytes.
        """
        estimator, tokens = self.pipeline[-1], find_tokens(self.pipeline)
        with replacing_directory(directory) as temporary:
            with without_network(estimator), without_vocabulary(tokens):
                write_joblib(self.pipeline, temporary / PIPELINE)
            libraries = ["scikit-learn"]
            if isinstance(estimator, Network):
                write_keras(estimator.network_, temporary / NETWORK)
                libraries.append("keras")
            if tokens is not None:
                write_vocabulary(tokens, temporary / VOCABULARY)
            if profile:
                profile.write(temporary)
            description = {
                "candidate": self.candidate,
                "kind": self.kind,
                "versions": {name: version(name) for name in libraries},
                "sha256": {file.name: sha256(file) for file in sorted(temporary.iterdir())},
                "contract": self.contract.model_dump(mode="json", exclude_none=True),
                "postprocessing": self.postprocessing.model_dump(mode="json", exclude_none=True),
            }
            write_json(description, temporary / DESCRIPTION)

    @classmethod
    def load(cls, directory: Path | str, name: str | None = None) -> Model:
        """Read what `save` wrote; messages call the folder `name`, by default as it is given.

        A relative path starts from the working directory or, if nothing is there, from the root of
        the project around it, so that `models/champion` is found by a notebook too.

        Only files with the hashes that model.json names are opened, which guards against damage;
        and of those nothing is run that no model has need of, against someone who rewrites both.

        Raises:
            UserError: The folder is incomplete, its files are not those that were saved, or it was
                saved by code that is no longer there.
        """
        directory, name = _locate(Path(directory)), name or str(directory)
        try:
            description = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))
            expected = description["sha256"]
            digests = {file: sha256(directory / file) for file in {PIPELINE, *expected}}
            kind, candidate = description["kind"], description["candidate"]
            contract = Contract.model_validate(description["contract"])
            postprocessing = Postprocessing.model_validate(description["postprocessing"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{name}: not a complete saved model; `dvc repro train` makes one"
            ) from error
        for file, digest in digests.items():
            if digest != expected.get(file):
                raise UserError(f"{name}: {file} is not the file that was saved; train again")
        with guard_reading(f"{name}: {PIPELINE} cannot be loaded"):
            try:
                pipeline = read_joblib(directory / PIPELINE, f"{name}: {PIPELINE}")
                if isinstance(pipeline[-1], Network):
                    pipeline[-1].network_ = load_network(directory / NETWORK)
                if (tokens := find_tokens(pipeline)) is not None:
                    tokens.vocabulary_ = read_vocabulary(directory / VOCABULARY)
            except (ModuleNotFoundError, AttributeError) as error:
                raise UserError(
                    f"{name}: it was saved by code that is no longer there ({error}); train again"
                ) from error
        return cls(pipeline, candidate, kind, contract, postprocessing)


def _locate(path: Path) -> Path:
    """The path as it is or, where that is nothing, from the root of the project around us."""
    with suppress(UserError):
        return path if path.exists() else Paths.find().root / path
    return path
