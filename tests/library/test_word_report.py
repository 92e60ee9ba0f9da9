"""Which words matter, and the texts that a model is most wrong about."""

import pandas as pd
import pytest
from conftest import make_params
from lockstep.core.contract import Contract
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.features import make_features
from lockstep.modeling.model import Model
from lockstep.modeling.problem import make_problem
from lockstep.reporting.words import tabulate_mistakes, tell_words, weigh_words
from made_up_texts import BAD, CONTRACT, GOOD, RECIPE, make_reviews
from owner import features, models  # noqa: F401 - they register steps and candidates
from sklearn.pipeline import make_pipeline


def make_model(changes: dict, kind: str = "classification") -> tuple[Model, pd.DataFrame]:
    """A linear model of the reviews, and the reviews."""
    columns = CONTRACT["columns"] | changes
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    params = make_params(features=RECIPE, kind=kind)
    rows = make_reviews().astype({"review": "str", "verdict": "str", "visits": "Int64"})
    if kind == "regression":
        rows["verdict"] = (rows["verdict"] == "good") * 4.0 + 1
    estimator = make_candidate("linear", {"alpha": 0.1}, make_problem(params, contract))
    pipeline = make_pipeline(make_features("linear", params, contract), estimator)
    pipeline.fit(rows[contract.features], rows["verdict"].to_numpy())
    return Model(pipeline, "linear", kind, contract), rows


def test_words_that_tell_a_class_come_first() -> None:
    model, rows = make_model({})
    words = weigh_words(model, rows, seed=0)
    firsts = {side: part["word"].head(2).tolist() for side, part in words.groupby("side")}
    for side, tell in (("good", GOOD), ("bad", BAD)):
        assert all(any(word in text for text in tell) for word in firsts[side]), firsts
    assert (words["texts"] >= 3).all()
    sums = words.groupby("word")["effect"].sum()
    assert sums.abs().max() < 1e-12  # what speaks for one of two classes speaks against the other


def test_marks_are_no_words_that_matter() -> None:
    model, rows = make_model({})
    marked = rows.assign(review=rows["review"] + "! (so \U0001f600)")
    words = {*weigh_words(model, marked, seed=0)["word"]}
    assert words == {*weigh_words(model, rows, seed=0)["word"], "so", "\U0001f600"}


def test_words_make_numbers_higher_or_lower() -> None:
    number = {"type": "numeric", "meaning": "stars"}
    model, rows = make_model({"verdict": number}, "regression")
    words = weigh_words(model, rows, seed=0)
    facts = tell_words(model, rows, words, tabulate_mistakes(model.try_on(rows)))
    assert [side.name for side in facts.sides] == ["higher", "lower"]
    assert facts.sides[0].words[0].word in " ".join(GOOD)
    assert facts.write(0.1234) == "+0.123"
    assert all(float(mistake.actual) in (1, 5) for mistake in facts.mistakes)


def test_texts_most_wrong_about_are_shown_with_what_they_are() -> None:
    model, rows = make_model({})
    rows.loc[5, ["review", "verdict"]] = ["wonderful \u202e wonderful\n", "bad"]
    facts = tell_words(
        model, rows, weigh_words(model, rows, 0), tabulate_mistakes(model.try_on(rows))
    )
    assert facts.mistakes[0].text == "wonderful wonderful"
    assert facts.mistakes[0].actual == "bad"
    assert facts.mistakes[0].predicted.startswith("good (")
    assert facts.write(0.1234) == "+12.3"


def test_classes_whose_words_are_not_shown_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows = make_model({})
    words, mistakes = weigh_words(model, rows, 0), tabulate_mistakes(model.try_on(rows))
    assert tell_words(model, rows, words, mistakes).omitted == 0
    monkeypatch.setattr("lockstep.reporting.words.MOST_SIDES", 1)
    assert tell_words(model, rows, words, mistakes).omitted == 1


def test_private_texts_are_shown_nowhere() -> None:
    private = {"review": CONTRACT["columns"]["review"] | {"private": True}}
    model, rows = make_model(private)
    words = weigh_words(model, rows, seed=0)
    assert words.empty
    facts = tell_words(model, rows, words, tabulate_mistakes(model.try_on(rows)))
    assert (facts.sides, facts.mistakes) == ([], [])


@pytest.mark.parametrize("texts", [[None], [""], [".", "."]])
def test_texts_without_words_have_none_that_matter(texts: list[str | None]) -> None:
    model, rows = make_model({})
    few = rows.iloc[: len(texts)].assign(review=pd.Series(texts, dtype="str"))
    assert weigh_words(model, few, seed=0).empty
