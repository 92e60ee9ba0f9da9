"""What becomes of a model's probabilities and numbers: decisions and intervals."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from conftest import CONTRACT
from lockstep.core.contract import Contract
from lockstep.modeling.model import Model
from lockstep.modeling.postprocessing import Postprocessing

ROWS = pd.DataFrame({"weight": [1.0, 2.0, 3.0], "seeds": [1, 2, 3], "colour": ["red"] * 3})


def make_classifier(probabilities: list[float], threshold: float | None) -> Model:
    """One that gives these probabilities of the second class."""
    sure = np.array(probabilities)
    pipeline = SimpleNamespace(
        classes_=np.array(["apple", "melon"], dtype=object),
        predict_proba=lambda _: np.column_stack([1 - sure, sure]),
    )
    contract = Contract.model_validate(CONTRACT)
    return Model(pipeline, "", "classification", contract, Postprocessing(threshold=threshold))


def make_regressor(numbers: list[float], postprocessing: Postprocessing) -> Model:
    """One that predicts these numbers of a target from 0 to 500."""
    pipeline = SimpleNamespace(predict=lambda _: np.array(numbers))
    columns = CONTRACT["columns"] | {"fruit": CONTRACT["columns"]["weight"]}
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    return Model(pipeline, "", "regression", contract, postprocessing)


def test_a_threshold_decides_between_two_classes() -> None:
    usual, eager = (make_classifier([0.1, 0.2, 0.6], threshold) for threshold in (None, 0.2))
    assert usual.predict(ROWS)["prediction"].tolist() == ["apple", "apple", "melon"]
    assert eager.predict(ROWS)["prediction"].tolist() == ["apple", "melon", "melon"]
    outcome = eager.try_on(ROWS, np.array(["apple", "melon", "apple"], dtype=object))
    assert outcome.decisions.tolist() == [0, 1, 1]
    assert outcome.take(np.array([2, 1])).decisions.tolist() == [1, 1]
    assert outcome.concatenate([outcome, outcome], None).decisions.tolist() == [0, 1, 1] * 2


def test_a_number_has_an_interval_within_the_contracts_range() -> None:
    postprocessing = Postprocessing(coverage=0.9, margins=(-20, 30))
    model = make_regressor([10.0, 100.0, 490.0], postprocessing)
    predictions = model.predict(ROWS)
    assert predictions["prediction_low"].tolist() == [0, 80, 470]
    assert predictions["prediction_high"].tolist() == [40, 130, 500]
    outcome = model.try_on(ROWS, np.array([1.0, 2.0, 3.0]))
    assert outcome.take(np.array([1])).interval.tolist() == [[80, 130]]
    assert outcome.concatenate([outcome, outcome], None).interval.shape == (6, 2)
    assert [*make_regressor([1.0, 2.0, 3.0], Postprocessing()).predict(ROWS)] == ["prediction"]
