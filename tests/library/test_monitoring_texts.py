"""What is watched of sentences: that what has moved is told in words, and chance is not."""

import json

import numpy as np
import pandas as pd
import pytest
from lockstep.core.params import MonitorParams
from lockstep.modeling.lexicon import (
    MOST_WORDS,
    Lexicon,
    find_script,
    list_text_summaries,
    summarise_texts,
    summarise_train_texts,
)
from lockstep.modeling.profile import Profile, find_spread
from lockstep.modeling.scales import make_number_scale, make_scale
from lockstep.modeling.tallies import Tally
from lockstep.monitoring.drift import Finding, find_drift
from lockstep.monitoring.windows import Window

WORDS = [f"word{number}" for number in range(60)]
LENGTH, NEW, SCRIPT, DRAWN = list_text_summaries("note")
SETTINGS = MonitorParams()


def draw(rng: np.random.Generator, rows: int, shares: np.ndarray | None = None) -> pd.Series:
    """So many texts of eight words, of which each tenth may be one that nobody else writes."""
    texts = [
        " ".join(
            f"own{rng.integers(10**9)}" if rng.random() < 0.1 else word
            for word in rng.choice(WORDS, 8, p=shares)
        )
        for _ in range(rows)
    ]
    return pd.Series(texts, name="note", dtype="str")


def make_profile(texts: pd.Series) -> Profile:
    lexicon = Lexicon.fit(texts)
    frame, columns = summarise_train_texts(texts, lexicon), lexicon.make_columns("note")
    scales = {
        name: make_scale(frame[name], column) if column else make_number_scale(frame[name])
        for name, column in columns.items()
    }
    tallies = {name: Tally.empty(scale) for name, scale in scales.items()}
    for name, tally in tallies.items():
        tally.add(frame[name], scales[name])
    spreads = {name: find_spread(frame[name]) for name in (LENGTH, NEW)}
    others = {"scores": (), "metrics": {}, "expectation": None, "lexicons": {"note": lexicon}}
    return Profile(len(texts), scales, tallies, spreads, **others)  # type: ignore[arg-type]


def judge(*windows: pd.Series, rows: int = 1000) -> list[Finding]:
    profile = make_profile(draw(np.random.default_rng(0), rows))
    parts = []
    for texts in windows:
        frame, window = summarise_texts(pd.DataFrame({"note": texts}), profile.lexicons), Window(0)
        window.rows = len(frame)
        for name, scale in profile.scales.items():
            window.tallies[name] = Tally.empty(scale)
            window.tallies[name].add(frame[name], scale)
            if scale.is_number:
                window.extremes[name] = (frame[name].min(), frame[name].max())
        parts.append(window)
    return find_drift(profile, parts, SETTINGS)


def tell(findings: list[Finding]) -> dict[tuple[str, str], str]:
    return {(one.column, one.what): one.text for one in findings if one.state != "fine"}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_texts_as_in_training_have_not_moved(rng: np.random.Generator) -> None:
    assert tell(judge(*(draw(rng, 300) for _ in range(6)))) == {}


def test_words_that_have_become_more_and_less_are_named(rng: np.random.Generator) -> None:
    shares = np.ones(60)
    shares[7], shares[30:] = 10, 0.5
    told = tell(judge(draw(rng, 800, shares / shares.sum())))
    assert set(told) == {(DRAWN, "distribution")}
    text = told[DRAWN, "distribution"]
    assert text.startswith("words of note: more than in training 'word7' (")
    assert "; less than in training 'word" in text


def test_words_that_training_never_saw_are_told(rng: np.random.Generator) -> None:
    texts = draw(rng, 500) + " neulich kam ganz anderes"
    told = tell(judge(texts))
    assert "higher than in training" in told[NEW, "distribution"]
    assert "above 8, the greatest that training saw" in told[LENGTH, "outside"]


def test_another_script_is_told(rng: np.random.Generator) -> None:
    texts = draw(rng, 500)
    texts[:60] = "هذا نص بالعربية"
    told = tell(judge(texts))
    assert "'Arabic' (60)" in told[SCRIPT, "new"]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Größe 12", "Latin"),
        ("这部电影 good", "CJK"),
        ("فيلم ممل", "Arabic"),
        ("Привет, мир", "Cyrillic"),
        ("😀 12!", "no letters"),
    ],
)
def test_the_script_is_that_of_most_letters(text: str, script: str) -> None:
    assert find_script(text) == script


def test_a_train_row_looks_at_its_words_as_a_later_one_would() -> None:
    texts = pd.Series(["a b", "a c c", "a", "!", None], name="note", dtype="str")
    lexicon = Lexicon.fit(texts)
    train = summarise_train_texts(texts, lexicon)
    assert train[NEW].tolist()[:4] == [0.5, pytest.approx(2 / 3), 0, 1]
    assert train.iloc[4].isna().all()
    later = lexicon.summarise(texts)
    assert later[NEW].tolist()[:4] == [0, 0, 0, 0]
    assert later[LENGTH].tolist()[:4] == [2, 3, 1, 1]


def test_a_lexicon_has_one_size_whatever_the_words() -> None:
    texts = pd.Series([f"w{number} x{number}" for number in range(MOST_WORDS)], name="note")
    content = json.dumps(Lexicon.fit(texts).describe())
    assert len(content) < 50_000
    again = Lexicon.parse(json.loads(content))
    assert json.dumps(again.describe()) == content
    few = Lexicon.fit(pd.Series(["red apple", "green apple"], name="note"))
    assert few.summarise(pd.Series(["red pear"], name="note"))[NEW].tolist() == [0.5]
