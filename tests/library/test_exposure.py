"""Counts over unequal times are learnt per unit of it, and predicted for the whole of a row."""

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import drawing, run_stages, write_params
from lockstep.adopting.suggestion import suggest
from lockstep.adopting.understanding import understand
from lockstep.adopting.wishes import Wishes
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.exposure import pass_weights, weigh_rows
from lockstep.modeling.metrics import find_metric
from lockstep.modeling.model import Model
from lockstep.modeling.outcome import EXPOSURE, Outcome
from lockstep.modeling.problem import Problem
from lockstep.modeling.rows_on_disk import NumbersOnDisk
from lockstep.modeling.series import encode_target
from lockstep.reporting.rates import calibrate_means, trace_lorenz
from sklearn import metrics as sk
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline

rng = np.random.default_rng(0)
ROWS = 3000
YEARS = rng.choice([0.1, 0.5, 1.0, 4.0], ROWS)
AGE = rng.normal(size=ROWS).round(1)
RATE = np.exp(-0.5 + 0.8 * AGE)
CLAIMS = rng.poisson(RATE * YEARS)
TABLE = pd.DataFrame({"age": AGE, "years": YEARS, "claims": CLAIMS.astype("float64")})


def make_contract(**changes: Any) -> Contract:
    years = {"type": "numeric", "meaning": "m", "range": (0.01, None)}
    columns = {
        "age": {"type": "numeric", "meaning": "m"},
        "years": years | changes.pop("years", {}),
        "claims": {"type": "integer", "meaning": "m", "range": (0, None)},
    }
    words = {"title": "t", "source": "s", "licence": "l", "target": "claims", "exposure": "years"}
    return Contract.model_validate(words | {"columns": columns} | changes)


def learn(name: str, rows: pd.DataFrame, **options: Any) -> Pipeline:
    """A candidate fitted on the age, as a stage fits it."""
    contract = make_contract()
    estimator = make_candidate(name, options, Problem("regression", seed=1))
    pipeline = make_pipeline(ColumnTransformer([("age", "passthrough", ["age"])]), estimator)
    weights = pass_weights(pipeline, weigh_rows(estimator, rows, contract))
    return pipeline.fit(rows[contract.features], encode_target(rows, contract), **weights)


POISSON = {"loss": "poisson", "alpha": 1e-6}
WITHOUT_RARE = {"min_frequency": 0.01}


def test_rows_of_alike_features_that_are_added_up_teach_the_same() -> None:
    added_up = TABLE.groupby("age", as_index=False).sum()
    one, other = (learn("linear", rows, **POISSON)[-1] for rows in (TABLE, added_up))
    assert one.coef_ == pytest.approx(other.coef_, abs=1e-3)
    assert one.coef_ == pytest.approx([0.8], abs=0.06)
    assert one.intercept_ == pytest.approx(-0.5, abs=0.06)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("forest", {"trees": 20, "min_samples_leaf": 100}),
        ("knn", {"neighbours": 300, "weights": "uniform"}),
        ("boosting", {"loss": "poisson", "trees": 50}),
        ("mlp", {"loss": "poisson", "max_epochs": 5, "batch_size": 256, "hidden_units": (8,)}),
    ],
)
def test_candidates_learn_the_rate_of_rows_of_any_exposure(
    name: str, options: dict[str, Any]
) -> None:
    predicted = learn(name, TABLE, **options).predict(TABLE[["age"]])
    assert np.corrcoef(np.log(predicted), np.log(RATE))[0, 1] > 0.9
    assert (predicted * YEARS).sum() == pytest.approx(CLAIMS.sum(), rel=0.1)


def test_predictions_are_of_the_whole_exposure_of_a_row_and_need_it() -> None:
    model = Model(learn("linear", TABLE, **POISSON), "linear", "regression", make_contract())
    assert model.inputs == ["age", "years"]
    rows = pd.DataFrame({"age": [0.5, 0.5, 0.5], "years": [1.0, 3.0, 0.0]})
    told = model.predict(rows)
    assert told["prediction"][1] == pytest.approx(3 * told["prediction"][0])
    assert told["reason"][2] == "years is '0.0', expected a number from 0.01 up"
    assert EXPOSURE not in told
    with pytest.raises(UserError, match="'years' is missing"):
        model.predict(rows[["age"]])
    outcome = model.try_on(TABLE)
    assert outcome.exposure is not None
    assert outcome.take(np.array([2, 1])).exposure.tolist() == [YEARS[2], YEARS[1]]
    both = Outcome.concatenate([outcome, outcome], None)
    assert both.exposure is not None
    assert len(both.exposure) == 2 * ROWS


@pytest.mark.parametrize(("power", "name"), [(1, "poisson"), (1.5, "tweedie")])
def test_deviances_are_those_of_scikit_learn_of_rates_weighted_by_the_exposure(
    power: float, name: str
) -> None:
    outcome = Outcome(CLAIMS[:90], (RATE * YEARS * 1.1)[:90], exposure=YEARS[:90])
    weights = np.random.default_rng(1).integers(0, 4, size=(3, 90)).astype("float64")
    for metric, reference in (
        (f"{name}_deviance", sk.mean_tweedie_deviance),
        (f"d2_{name}", sk.d2_tweedie_score),
    ):
        expected = [
            reference(
                (CLAIMS / YEARS)[:90],
                (RATE * 1.1)[:90],
                sample_weight=row * YEARS[:90],
                power=power,
            )
            for row in weights
        ]
        found = find_metric("regression", metric, "key").measure(outcome, weights)
        assert found == pytest.approx(expected)


def test_rows_are_ranked_by_rates_and_not_by_how_long_they_were_seen() -> None:
    """The same rate for all ranks none, although it is of more claims where there was more time."""
    gini, alike = find_metric("regression", "gini", "key"), 0.7 * YEARS
    assert gini.score(Outcome(CLAIMS, alike)) > 0.2
    assert gini.score(Outcome(CLAIMS, alike, exposure=YEARS)) == pytest.approx(0, abs=1e-12)
    lorenz = trace_lorenz(Outcome(CLAIMS, alike, exposure=YEARS))
    assert lorenz["share"].tolist() == pytest.approx(lorenz["share_of_rows"].tolist())
    tenths = calibrate_means(Outcome(CLAIMS, RATE * YEARS, exposure=YEARS))
    assert tenths["predicted"].between(tenths["low"], tenths["high"]).sum() >= 8
    assert tenths["predicted"].is_monotonic_increasing


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_a_row_counts_among_neighbours_as_much_as_it_is_exposed(weights: str) -> None:
    rows = pd.DataFrame({"age": [1.0, 1, 3], "years": [1.0, 4, 1], "claims": [2.0, 3, 9]})
    near = learn("knn", rows, neighbours=2, weights=weights).predict(pd.DataFrame({"age": [1.0]}))
    assert near == pytest.approx([5 / 5])
    between = learn("knn", rows, neighbours=3, weights=weights)
    counts = {"uniform": [1, 1, 1], "distance": [1 / 0.5, 1 / 0.5, 1 / 1.5]}[weights]
    expected = np.average([2, 3 / 4, 9], weights=counts * rows["years"])
    assert between.predict(pd.DataFrame({"age": [1.5]})) == pytest.approx([expected])


def test_a_row_counts_to_a_machine_as_if_it_came_so_often() -> None:
    rows = TABLE[:60].assign(years=np.arange(60) % 3 + 1)
    again = rows.loc[rows.index.repeat(rows["years"])]
    again = again.assign(claims=again["claims"] / again["years"], years=1.0)
    # Weights are 1 on average, where rows that come twice count 2.
    one, other = (
        learn("svm", each, gamma=1.0, penalty=penalty).predict(TABLE[["age"]][:20])
        for each, penalty in ((rows, 2.0), (again, 1.0))
    )
    assert one == pytest.approx(other, abs=1e-2)


def test_what_takes_no_weights_learns_from_rows_alike() -> None:
    contract = make_contract()
    scale = TransformedTargetRegressor(LinearRegression())
    assert weigh_rows(scale, TABLE, contract) is None
    weights = weigh_rows(LinearRegression(), TABLE, contract)
    assert weights is not None
    assert weights.mean() == pytest.approx(1)
    some = weigh_rows(LinearRegression(), TABLE[:9], contract, usual=TABLE)
    assert some == pytest.approx(weights[:9])


def test_weights_come_back_from_the_disk_with_their_rows(tmp_path: Any) -> None:
    with NumbersOnDisk(tmp_path, []) as rows:
        rows.append(AGE[:, np.newaxis], RATE, YEARS)
        ((X, y, weights),) = rows.shuffle(np.random.default_rng(1))
    order = np.lexsort((y, X[:, 0], weights))
    expected = np.lexsort((RATE, AGE.astype("float32"), YEARS.astype("float32")))
    assert weights[order] == pytest.approx(YEARS[expected])
    assert y[order] == pytest.approx(RATE[expected])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exposure": "yeers"}, "'yeers', which is no column of this contract; did you mean"),
        ({"exposure": "claims"}, "'claims' has another role already"),
        ({"time": "years"}, "'years' has another role already"),
        ({"years": {"range": (0, None)}}, "with a `range` that starts above 0"),
        ({"years": {"nullable": True}}, "must be a number that no row lacks"),
        ({"years": {"private": True}}, "must not be private"),
        ({"drop": ["age"], "columns": None}, "no feature is described"),
        ({"target": "age", "columns": "classes"}, "of a number that is predicted of the rows"),
    ],
)
def test_a_contract_says_what_an_exposure_must_be(changes: dict[str, Any], message: str) -> None:
    columns = make_contract().model_dump()["columns"]
    if changes.get("columns", columns) is None:
        del columns["age"]
        changes = changes | {"columns": columns, "drop": []}
    elif changes.get("columns") == "classes":
        level = {"type": "binary", "categories": ["old", "young"], "meaning": "m"}
        changes = changes | {"columns": columns | {"age": level}}
    with pytest.raises(ValueError, match=message):
        make_contract(**changes)


def test_counts_go_from_the_file_to_the_report_by_their_exposure(project: Project) -> None:
    contract = make_contract().model_dump(mode="json", exclude_defaults=True)
    project.contract_file.write_text(json.dumps(contract))
    raw = project.root / "data/raw/claims.csv"
    TABLE.head(600).astype({"claims": int}).to_csv(raw, index=False)
    candidates = {"baseline": {}, "linear": POISSON}
    train = {"metric": "poisson_deviance", "folds": 2, "candidates": candidates}
    data = {"raw": "data/raw/claims.csv", "max_rejected": 0}
    write_params(project, kind="regression", data=data, train=train)
    with drawing():
        run_stages()
    metrics = json.loads(project.metrics.read_text())
    assert metrics["d2_poisson"] > 0.2 > metrics["baseline"]["d2_poisson"]
    page = " ".join(re.sub("<[^>]+>", "", project.report.read_text(encoding="utf-8")).split())
    assert "from 1 feature, and years, by which it is multiplied: a regression of counts." in page
    assert "claims is learnt per unit of years, and rows count as much as they have of it" in page
    told = pd.read_csv(project.plots / "predictions.csv")
    outcome = Outcome.from_predictions(told["actual"].to_numpy(), told, [])
    deviance = find_metric("regression", "poisson_deviance", "key").score(outcome)
    assert deviance == pytest.approx(metrics["poisson_deviance"])
    importance = pd.read_csv(project.plots / "importance.csv")
    assert importance["feature"].tolist() == ["age"]
    assert set(pd.read_csv(project.plots / "slices.csv")["column"]) == {"age"}


@pytest.fixture
def understand_claims(tmp_path: Any) -> Callable[..., Contract]:
    def make(**columns: Any) -> Contract:
        path = tmp_path / "claims.csv"
        TABLE.head(300).astype({"claims": int}).assign(**columns).to_csv(path, index=False)
        return understand([path], "claims.csv", "s", Wishes("claims", exposure="years")).contract

    return make


def test_an_exposure_is_of_a_number_alone(understand_claims: Callable[..., Contract]) -> None:
    with pytest.raises(UserError, match=r"--exposure: it is of a number .*'claims' looks"):
        understand_claims(claims=np.tile(["few", "many"], 150))


def test_many_texts_are_not_encoded_by_rates_in_which_each_row_counts_once() -> None:
    place = {"type": "categorical", "categories": [*map(str, range(99))], "meaning": "m"}
    for exposure, expected in ((None, "target_encode"), ("years", {"one_hot": WITHOUT_RARE})):
        contract = make_contract(exposure=exposure)
        content = contract.model_dump(exclude_defaults=True)
        content["columns"]["place"] = place
        table = TABLE.assign(place="7")
        steps = suggest(Contract.model_validate(content), table)["features.columns"]["place"]
        assert steps[0] == expected


@pytest.mark.parametrize("most", [3, 5000])
def test_whole_numbers_over_an_exposure_are_counts_though_none_is_zero(
    understand_claims: Callable[..., Contract], most: int
) -> None:
    claims = np.tile(np.linspace(1, most, 3).astype(int), 100)
    contract = understand_claims(claims=claims)
    assert contract.columns["claims"].type == "integer"
    table = TABLE.head(300).assign(claims=claims)
    assert suggest(contract, table)["train.metric"] == "poisson_deviance"
    without = contract.model_copy(update={"exposure": None})
    assert suggest(without, table)["train.metric"] == "rmse"


def test_use_takes_a_column_for_the_exposure(understand_claims: Callable[..., Contract]) -> None:
    contract = understand_claims()
    assert contract.exposure == "years"
    assert contract.columns["years"].range == (0.1, 7.9)
    assert [*contract.learnt_only()] == ["age"]
    flags = np.tile([1, 2], 150)
    assert understand_claims(years=flags).columns["years"].type == "integer"


@pytest.mark.parametrize(
    ("years", "message"),
    [
        (0, "'years' is 0 in some rows, in which nothing could come about"),
        (None, "'years' is missing in some rows; each needs its own"),
    ],
)
def test_use_says_which_exposure_is_none(
    understand_claims: Callable[..., Contract], years: float | None, message: str
) -> None:
    cells = TABLE["years"].head(300).astype("object")
    cells[7] = years
    with pytest.raises(UserError, match=message):
        understand_claims(years=cells)
    with pytest.raises(UserError, match="'years' looks like categorical"):
        understand_claims(years=np.tile(["short", "long", "medium"], 100))
