"""The saved model: a folder that a new process loads and predicts with.

model.json       what it is: candidate, kind, contract, library versions, the other files' hashes
pipeline.joblib  the fitted scikit-learn pipeline, without a network
network.keras    the network of a Keras candidate
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.files import replacing_directory, sha256, write_json
from ..core.params import Kind
from ..core.runtime import import_keras
from . import features  # noqa: F401 - a pickled pipeline calls functions of it by their names
from .archive import write_joblib, write_keras
from .metrics import PROBABILITY
from .networks import Network, without_network

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

DESCRIPTION, PIPELINE, NETWORK = "model.json", "pipeline.joblib", "network.keras"


@dataclass(frozen=True)
class SavedModel:
    """A fitted pipeline and what is needed to use it rightly."""

    pipeline: Pipeline
    candidate: str
    kind: Kind
    contract: Contract

    @property
    def features(self) -> list[str]:
        """The contract's features without those that the recipe drops."""
        used = {name for _, _, names in self.pipeline[0].transformers for name in names}
        return [name for name in self.contract.features if name in used]

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict from the contract's feature columns.

        Args:
            X: (n_rows, n_columns) table with at least the features, typed by the contract.

        Returns:
            (n_rows,) `prediction`; for a classification also `probability_<class>` for each class
            of the contract, zero for one that the model has not seen.
        """
        import pandas as pd

        X = X[self.contract.features]
        if self.kind == "regression":
            return pd.DataFrame({"prediction": self.pipeline.predict(X)})
        likely = pd.DataFrame(self.pipeline.predict_proba(X), columns=self.pipeline.classes_)
        likely = likely.reindex(columns=self.contract.classes, fill_value=0.0)
        return pd.concat(
            [
                likely.idxmax(axis=1).astype("str").rename("prediction"),
                likely.add_prefix(PROBABILITY),
            ],
            axis=1,
        )


def save(model: SavedModel, directory: Path) -> None:
    """Write `model` as the folder `directory`, in place of what was there."""
    estimator = model.pipeline[-1]
    with replacing_directory(directory) as temporary:
        with without_network(estimator):
            write_joblib(model.pipeline, temporary / PIPELINE)
        libraries = ["scikit-learn"]
        if isinstance(estimator, Network):
            write_keras(estimator.network_, temporary / NETWORK)
            libraries.append("keras")
        description = {
            "candidate": model.candidate,
            "kind": model.kind,
            "versions": {name: version(name) for name in libraries},
            "sha256": {file.name: sha256(file) for file in sorted(temporary.iterdir())},
            "contract": model.contract.model_dump(mode="json", exclude_none=True),
        }
        write_json(description, temporary / DESCRIPTION)


def load(directory: Path, name: str) -> SavedModel:
    """Read what `save` wrote; messages call the folder `name`.

    A pickle can run any code when it is loaded, so only files with the hashes that model.json
    names are opened. That guards against damage, not against someone who rewrites both.

    Raises:
        UserError: The folder is incomplete or its files are not those that were saved.
    """
    import joblib

    try:
        description = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))
        expected = description["sha256"]
        found = {file: sha256(directory / file) for file in {PIPELINE, *expected}}
        kind, candidate = description["kind"], description["candidate"]
        contract = Contract.model_validate(description["contract"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{name}: not a complete saved model; `dvc repro train` makes one"
        ) from error
    for file, digest in found.items():
        if digest != expected.get(file):
            raise UserError(f"{name}: {file} is not the file that was saved; train again")
    pipeline = joblib.load(directory / PIPELINE)
    if isinstance(pipeline[-1], Network):
        keras = import_keras()
        pipeline[-1].network_ = keras.saving.load_model(directory / NETWORK, compile=False)
    return SavedModel(pipeline, candidate, kind, contract)
