"""The report and the model card: what they say, and that they need nothing else."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from conftest import CONTRACT, PARAMS
from lockstep.core.contract import Contract
from lockstep.core.examples import frame_contract
from lockstep.core.params import Params
from lockstep.modeling.metrics import METRICS
from lockstep.modeling.model import Model
from lockstep.modeling.postprocessing import Postprocessing
from lockstep.reporting.facts import Facts
from lockstep.reporting.pages import render_model_card, render_report

CAPTIONS = {"calibration": "How sure <and> how right", "importance": "What counts"}
NO_SLICES = pd.DataFrame(
    columns=["column", "value", "rows", "loss", "loss_elsewhere", "p_adjusted"], dtype="float64"
)
ODD = 'Say "x" <script>alert(1)</script> | `a` [b](c) *d* {role}`e`'


class Transformer:
    transformers = (("numeric", None, ["weight", "seeds"]), ("texts", None, ["colour"]))


def scores(kind: str, figure: float, *, width: float = 0.05) -> dict:
    names = [metric.name for metric in METRICS[kind]]
    ends = {name: [figure - width, figure + width] for name in names}
    return dict.fromkeys(names, figure) | {"intervals": ends}


def make_facts(
    *,
    champion: float = 0.9,
    baseline: float = 0.5,
    params: dict | None = None,
    contract: dict | None = None,
    subgroups: tuple = (),
    given_split: bool = False,
    slices: pd.DataFrame = NO_SLICES,
) -> Facts:
    settings = Params.model_validate(PARAMS | {"keras_backend": "jax"} | (params or {}))
    terms = Contract.model_validate(CONTRACT | (contract or {}))
    metric = settings.train.metric
    return Facts(
        Model([Transformer()], "linear", settings.kind, terms),
        settings,
        pd.DataFrame(
            {
                "candidate": ["baseline", "linear"],
                f"{metric}_mean": [baseline, champion],
                "standard_error": [0.01, 0.02],
                "learnt": ["on all rows", "on a sample of 9"],
                "behind_low": [0.35, float("nan")],
                "behind_high": [0.45, float("nan")],
                "champion": [False, True],
            }
        ),
        {
            "test_rows": 40,
            **scores(settings.kind, champion),
            "baseline": scores(settings.kind, baseline),
            "gain": {
                one.name: [one.sign * (champion - baseline) + width for width in (-0.05, 0.05)]
                for one in METRICS[settings.kind]
            },
            "subgroups": list(subgroups),
        },
        {"rows": 12345, "rejected": 6, "sha256": "0123456789abcdef"},
        110,
        given_split,
        slices,
        "orchard",
        "40 test rows",
    )


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in CAPTIONS:
        (tmp_path / f"{name}.png").write_bytes(name.encode())
    return tmp_path


class Elements(HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_report_is_one_file_that_refers_to_nothing(pictures: Path) -> None:
    page = render_report(make_facts(), CAPTIONS, pictures, "uv run orchard")
    elements = Elements(page)
    for _, attributes in elements.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:")
    assert "url(" not in page
    assert "@import" not in page
    assert not elements.of("script")


def test_the_report_says_what_a_reader_asks(pictures: Path) -> None:
    elements = Elements(render_report(make_facts(), CAPTIONS, pictures, "uv run orchard"))
    text = " ".join(elements.text.split())
    for said in (
        "To predict fruit, kind, from 3 features: a classification into apple, melon",
        "36 of 40 test rows are predicted right, 90.0% (95% interval 85.0% to 95.0%)",
        "the baseline is right for 50.0%",
        "The champion, linear, is better than the baseline: accuracy on 40 test rows is 0.9000, "
        "that of the baseline 0.5000 (gain, 95% interval +0.3500 to +0.4500).",
        "Project orchard, raw data 0123456789ab.",
        "12,345",
        "0.9000 0.8500 to 0.9500",
        "on a sample of 9",
        "Nothing here shows that a feature causes the outcome.",
        "uv run dvc repro",
        "uv run orchard verify",
    ):
        assert said in text or said.replace(" ", "") in text.replace(" ", ""), said
    headings = [tag for tag, _ in elements.tags if tag in {"h1", "h2", "h3"}]
    assert headings.count("h1") == 1
    assert headings[0] == "h1"


def test_every_picture_of_the_report_has_its_caption_as_text(pictures: Path) -> None:
    page = render_report(make_facts(), CAPTIONS, pictures, "uv run orchard")
    images = Elements(page).of("img")
    assert [image["alt"] for image in images] == [
        "calibration: How sure <and> how right",
        "importance: What counts",
    ]
    assert images[0]["src"] == "data:image/png;base64,Y2FsaWJyYXRpb24="
    assert "How sure &lt;and&gt; how right" in page


def test_every_table_of_the_report_has_headers(pictures: Path) -> None:
    elements = Elements(render_report(make_facts(), CAPTIONS, pictures, "uv run orchard"))
    assert len(elements.of("table")) == 2
    assert all(cell.get("scope") in {"row", "col"} for cell in elements.of("th"))
    assert len([cell for cell in elements.of("th") if cell["scope"] == "row"]) == 7 + 2


def test_how_far_predictions_of_ordered_classes_are_off_is_told(pictures: Path) -> None:
    facts = make_facts()
    facts.metrics["rank_errors"] = {"0": 30, "1": 10}
    said = "0% of the test rows are predicted right, 25.0% are off by one class, none by more."
    assert said in render_model_card(facts, {})
    assert render_report(facts, CAPTIONS, pictures, "uv run orchard").count(said) == 1


def test_a_champion_that_is_not_better_is_not_praised(pictures: Path) -> None:
    facts = make_facts(champion=0.52, baseline=0.5)
    said = "The champion, linear, is not shown to be better than the baseline: accuracy on 40 test"
    page = render_report(facts, CAPTIONS, pictures, "uv run orchard")
    text = " ".join(Elements(page[page.index("<h1>") :]).text.split())
    assert text.startswith("Made-up fruit How well fruit can be predicted, and by what.")
    assert text.index(said) < text.index("predicted right") < text.index("What was asked")
    card = render_model_card(facts, {})
    assert card.index(said) < card.index("## Data")


def test_what_all_candidates_learnt_from_is_no_column_of_the_leaderboard(pictures: Path) -> None:
    facts = make_facts()
    assert "on a sample of 9" in render_report(facts, CAPTIONS, pictures, "uv run orchard")
    facts.leaderboard["learnt"] = "on all rows"
    assert "on all rows" not in render_report(facts, CAPTIONS, pictures, "uv run orchard")


def test_a_standard_error_that_is_not_known_is_no_number(pictures: Path) -> None:
    facts = make_facts()
    facts.leaderboard["standard_error"] = float("nan")
    assert "| **linear** | 0.9000 | unknown |" in render_model_card(facts, {})
    page = render_report(facts, CAPTIONS, pictures, "uv run orchard")
    assert "<td>0.9000</td><td>unknown</td>" in page


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        ([0.1, 0.2], "is better than the baseline: accuracy"),
        ([-0.1, 0.2], "is not shown to be better than the baseline: accuracy on 40 test rows is"),
        ([-0.2, -0.1], "is worse than the baseline: accuracy"),
        (None, "is not shown to be better than the baseline: accuracy on 40 test rows is"),
    ],
)
def test_the_verdict_follows_the_interval_of_the_gain(gain: list | None, said: str) -> None:
    facts = make_facts()
    facts.metrics["gain"]["accuracy"] = gain
    assert facts.verdict.startswith(f"The champion, linear, {said}")
    assert facts.is_better_than_baseline == said.startswith("is better")


def test_a_baseline_that_is_champion_is_called_so() -> None:
    facts = make_facts(champion=0.5)
    facts = replace(facts, champion=replace(facts.champion, candidate="baseline"))
    assert facts.verdict.startswith("The champion is the baseline itself: no other candidate")
    assert not facts.is_better_than_baseline


def test_a_metric_without_an_interval_is_told_by_its_figure(pictures: Path) -> None:
    facts = make_facts(params={"train": PARAMS["train"] | {"metric": "calibration_error"}})
    for scores_ in (facts.metrics, facts.metrics["baseline"]):
        scores_["intervals"]["calibration_error"] = None
    facts.metrics["gain"]["calibration_error"] = None
    assert facts.verdict.endswith("that of the baseline 0.5000, without an interval.")
    assert "| calibration_error | 0.9000 | 0.5000 |" in render_model_card(facts, {})
    assert "without an interval" in render_report(facts, CAPTIONS, pictures, "uv run orchard")
    facts.metrics["calibration_error"] = None
    assert "calibration_error is not defined on the 40 test rows" in facts.verdict


def test_when_the_second_class_is_predicted_is_told(pictures: Path) -> None:
    facts = make_facts()
    counts = {"true_positives": 9, "false_negatives": 3, "false_positives": 11}
    facts.metrics["decisions"] = counts
    for postprocessing, why in (
        ({}, "a probability of 0.5 on, because it is the more probable class then."),
        (
            {"decision": "f1_macro", "threshold": 0.1234},
            "a probability of 0.123 on, because f1_macro is best so on the validation rows.",
        ),
        (
            {"decision": {"missed": 20, "false_alarm": 1}, "threshold": 0.05},
            "because wrong decisions cost least so on the validation rows, where a missed row "
            "costs 20 and a false alarm 1.",
        ),
        ({"decision": 0.3, "threshold": 0.3}, "a probability of 0.3 on, as params.yaml says."),
    ):
        champion = replace(facts.champion, postprocessing=Postprocessing(**postprocessing))
        decided = replace(facts, champion=champion)
        page = render_report(decided, CAPTIONS, pictures, "uv run orchard")
        assert f"<p>melon is predicted from {why}"[-60:] in page
        said = "Of 12 test rows that are melon, 9 are found; of 20 that are called so, 9 are."
        assert page.count(said) == (2 if postprocessing else 1)
        assert said in render_model_card(decided, {})


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("row", "It is meant to hold such a share of rows that are drawn as these were."),
        ("time", "Rows to come may differ from those before, so the share is not assured."),
        ("group", "The share is over all rows; within one colour it may be lower."),
    ],
)
def test_intervals_are_told_with_what_they_rest_on(pictures: Path, by: str, said: str) -> None:
    params = {"kind": "regression", "train": PARAMS["train"] | {"metric": "mae"}}
    split = PARAMS["split"] | {"by": by}
    facts = make_facts(
        params=params | {"split": split}, contract={"target": "weight", "group": "colour"}
    )
    assert "too few validation rows for intervals" in render_model_card(facts, {})
    facts.metrics["prediction_intervals"] = {
        "coverage": 0.875,
        "interval": [0.75, 0.95],
        "mean_width": 42.0,
    }
    learnt = Postprocessing(coverage=0.9, margins=(-20, 22))
    facts = replace(facts, champion=replace(facts.champion, postprocessing=learnt))
    page = render_report(facts, CAPTIONS, pictures, "uv run orchard")
    for sentence in (
        "An interval from -20 to +22 g around the prediction is to hold 90% of rows",
        "It holds 87.5% of the test rows (95% interval 75.0% to 95.0%), and is 42 g wide",
        said,
    ):
        assert sentence in page
        assert sentence.split(" (")[0] in render_model_card(facts, {})


def test_where_it_is_worst_is_told_or_that_nowhere_is(pictures: Path) -> None:
    assert "There are no parts of the test rows to look at" in render_model_card(make_facts(), {})
    lines = [("colour", "<red>", 20, 0.8, 0.1, 0.01), ("seeds", "1 to 3", 30, 0.4, 0.3, 0.4)]
    slices = pd.DataFrame(lines, columns=NO_SLICES.columns)
    facts = make_facts(slices=slices)
    page = render_report(facts, CAPTIONS, pictures, "uv run orchard")
    assert "<td>&lt;red&gt;</td><td>20</td><td>0.8</td><td>0.1</td>" in page
    assert "1 is predicted worse than the others by more than chance explains" in page
    assert "Of 2 parts of the test rows" in page
    assert "those of fewer than 10 rows are left out" in page
    assert "1 to 3" not in page
    assert r"| colour | \<red\> | 20 | 0.8 | 0.1 |" in render_model_card(facts, {})
    page = render_report(make_facts(slices=slices.tail(1)), CAPTIONS, pictures, "uv run orchard")
    assert "none is predicted worse than the others by more than chance explains" in page


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        ([0.01, 0.1], "linear is better than svm, the runner-up: its accuracy on the same "),
        ([-0.01, 0.1], "linear is not shown to be better than svm, the runner-up: its accuracy "),
        ([-0.1, -0.01], "linear is worse than svm, the runner-up: its accuracy on the same "),
    ],
)
def test_the_champion_is_set_against_the_runner_up(
    behind: list[float], said: str, pictures: Path
) -> None:
    facts = make_facts()
    assert facts.runner_up == ""  # the baseline is, which the verdict is about
    line = {"candidate": "svm", "accuracy_mean": 0.88, "champion": False}
    line |= {"standard_error": 0.02, "learnt": "on all rows"}
    line |= dict(zip(("behind_low", "behind_high"), behind, strict=True))
    facts = replace(facts, leaderboard=pd.concat([facts.leaderboard, pd.DataFrame([line])]))
    assert facts.runner_up.startswith(said)
    assert facts.runner_up.endswith(f"by {behind[0]:+.4f} to {behind[1]:+.4f} (95% interval).")
    assert said in render_model_card(facts, {})
    assert said in render_report(facts, CAPTIONS, pictures, "uv run orchard")


def test_of_a_champion_that_params_yaml_names_no_figure_is_said_to_have_picked_it() -> None:
    facts = make_facts(params={"train": PARAMS["train"] | {"champion": "baseline"}})
    said = "none of these figures picked the champion: train.champion in params.yaml names it"
    assert facts.rule == said
    assert said in render_model_card(facts, {})
    champion = replace(facts.champion, candidate="baseline")
    assert replace(facts, champion=champion).verdict == (
        "The champion is the baseline itself: train.champion in params.yaml names it."
    )


def test_test_rows_of_a_single_group_are_told_without_an_interval() -> None:
    facts = make_facts()
    facts.metrics["intervals"]["accuracy"] = None
    assert "are predicted right, 90.0%; the baseline is right for 50.0%." in facts.headline


def test_the_metric_that_picked_the_champion_comes_first() -> None:
    facts = make_facts(params={"train": PARAMS["train"] | {"metric": "f1_macro"}})
    names = [score.metric.name for score in facts.scores]
    assert names[:2] == ["f1_macro", "accuracy"]
    assert sorted(names) == sorted(metric.name for metric in METRICS["classification"])


def test_a_lower_loss_is_better_and_a_higher_one_is_a_limit() -> None:
    # Higher figures in every metric, so those of which less is better are worse.
    facts = make_facts(params={"train": PARAMS["train"] | {"metric": "log_loss"}})
    assert not facts.is_better_than_baseline
    assert facts.worse_metrics == ["log_loss", "calibration_error"]


def test_only_what_is_worse_by_more_than_chance_is_a_limit() -> None:
    facts = make_facts(champion=0.51, baseline=0.5)
    assert facts.worse_metrics == []
    facts.metrics["gain"] |= {"accuracy": [-0.3, -0.1], "log_loss": [-0.3, 0.1]}
    facts.metrics["gain"]["calibration_error"] = None
    assert facts.limits[0] == "The champion is worse than the baseline in accuracy."


def test_a_regression_is_told_in_the_unit_of_its_target(pictures: Path) -> None:
    columns = CONTRACT["columns"] | {
        "price": {"type": "numeric", "unit": "EUR", "meaning": "price"}
    }
    facts = make_facts(
        champion=2.0,
        baseline=9.0,
        params={"kind": "regression", "train": PARAMS["train"] | {"metric": "mae"}},
        contract={"target": "price", "columns": columns},
    )
    page = render_report(facts, CAPTIONS, pictures, "uv run orchard")
    assert "off by 2 EUR on average (95% interval 1.95 to 2.05)" in page
    assert "the baseline is off by 9 EUR" in page


def test_what_is_not_defined_is_called_so(pictures: Path) -> None:
    facts = make_facts(
        subgroups=(
            {"column": "colour", "value": "red", "test_rows": 3, **scores("classification", 0.5)},
        )
    )
    for name in ("roc_auc", "average_precision"):
        facts.metrics[name] = facts.metrics["intervals"][name] = None
    assert "| roc_auc | undefined | 0.5000 (0.4500 to 0.5500) |" in render_model_card(facts, {})
    page = render_report(facts, CAPTIONS, pictures, "uv run orchard")
    assert page.count("undefined") == 2
    assert page.count("<svg") == 5
    assert len(Elements(page).of("table")) == 3


def test_what_it_must_not_be_used_for_comes_from_the_contract(pictures: Path) -> None:
    facts = make_facts(contract={"not_for": ["Deciding what people eat."]})
    assert "<li>Deciding what people eat.</li>" in render_report(
        facts, CAPTIONS, pictures, "uv run orchard"
    )
    assert "\n- Deciding what people eat.\n" in render_model_card(facts, {})


@pytest.mark.parametrize("key", ["title", "source", "licence"])
def test_a_users_text_is_text_and_no_markup(pictures: Path, key: str) -> None:
    facts = make_facts(contract={key: ODD, "not_for": [ODD]})
    page = Elements(render_report(facts, CAPTIONS, pictures, "uv run orchard"))
    assert ODD in page.text
    assert not page.of("script")
    card = render_model_card(facts, {})
    assert r"\<script\>alert(1)\</script\> \| \`a\` \[b\](c) \*d\* \{role\}\`e\`" in card


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("% of them", r"\% of them"),
        ("1. first", r"1\. first"),
        ("12) a", r"12\) a"),
        ("- a", r"\- a"),
        ("# a", r"\# a"),
        ("a - 1. b", "a - 1. b"),
    ],
)
def test_a_users_text_is_no_markup_at_the_start_of_a_line(text: str, written: str) -> None:
    card = render_model_card(make_facts(contract={"title": text, "not_for": [text]}), {})
    assert f"\n{written}. Source:" in card
    assert f"\n- {written}\n" in card


def test_the_seed_of_the_split_is_told_where_there_is_one(pictures: Path) -> None:
    for split, side, made in (
        ({}, "seed", "Made with seed 42 and"),
        ({"seed": 7}, "split.seed", "Made with seed 42, split seed 7 and"),
    ):
        facts = make_facts(params={"seed": 42, "split": PARAMS["split"] | split})
        said = f"where a row's side follows from its features and `{side}`"
        assert said in render_model_card(facts, {})
        text = Elements(render_report(facts, CAPTIONS, pictures, "uv run orchard")).text
        assert said.replace("`", "") in text
        assert made in text


def test_a_split_by_somebody_else_is_told(pictures: Path) -> None:
    part = {"type": "categorical", "categories": ["train", "test"], "meaning": "side"}
    columns = CONTRACT["columns"] | {"side": part}
    facts = make_facts(contract={"columns": columns, "part": "side"}, given_split=True)
    assert "those that <code>side</code> calls test" in render_report(
        facts, CAPTIONS, pictures, "owner"
    )
    assert "those that `side` calls test" in render_model_card(facts, {})


def test_a_forecast_is_told_by_its_horizon_its_error_and_its_intervals(pictures: Path) -> None:
    columns = {
        "day": {"type": "datetime", "meaning": "when"},
        "price": {"type": "numeric", "meaning": "what it costs", "future": True},
        "visitors": {"type": "integer", "meaning": "how many came"},
        "fruit": {"type": "numeric", "meaning": "how much is sold", "unit": "kg"},
    }
    history = {"time": "day", "horizon": 14, "every": "1 day", "season": 7, "window": 28}
    terms = Contract.model_validate(CONTRACT | history | {"columns": columns})
    facts = make_facts(
        params={"kind": "forecasting", "train": PARAMS["train"] | {"metric": "mase"}},
        champion=0.5,
        baseline=0.9,
    )
    learnt = Postprocessing(coverage=0.9, step_margins=((-1, 1),) * 14)
    champion = replace(facts.champion, contract=frame_contract(terms), postprocessing=learnt)
    step = {"step": 1, "coverage": 0.95, "interval": [0.8, 1], "mean_width": 3.0}
    facts.metrics["prediction_intervals"] = {
        **(step | {"coverage": 0.875, "interval": [0.75, 0.95]}),
        "by_step": [step, step | {"step": 14, "coverage": 0.8, "mean_width": 7.5}],
    }
    facts.metrics["unscaled_rows"] = 3
    facts = replace(facts, champion=champion, has_given_split=True)
    page, card = (
        render_report(facts, CAPTIONS, pictures, "uv run orchard"),
        render_model_card(facts, {}),
    )
    for sentence in (
        "from the latest 28 values of the series and those of 1 other column and 1 column known "
        "ahead: a forecast of 1 to 14 steps of 1 day ahead.",
        "3 kg wide on average at 1 step ahead and 7.5 kg at 14.",
        "Intervals hold 87.5% of the test rows (95% interval 75.0% to 95.0%), at single steps from "
        "80.0% to 95.0%.",
        "3 of 40 forecasts count neither in mase nor in rmsse and pinball",
    ):
        assert sentence in page
        assert sentence in card
    assert "of the times in <code>day</code>" in page
    assert (
        "Forecasts are off by 0.5 kg on average (95% interval 0.45 to 0.55), 0.5 times as far as "
        "the value a season before was in the train rows; the baseline is off by 0.9 kg." in page
    )
    assert "examples to learn from" in page
    assert "mase" in facts.verdict
