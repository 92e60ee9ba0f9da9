"""Sentences are features: as terms, as fewer numbers, and word by word."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS, drawing, make_params, run_stages
from lockstep.commands.predict import predict_with_champion
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.modeling import terms
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.features import make_features
from lockstep.modeling.lexicon import Lexicon
from lockstep.modeling.model import Model
from lockstep.modeling.problem import make_problem
from lockstep.modeling.terms import LatentTerms, Terms
from lockstep.modeling.tokens import Tokens, read_vectors
from lockstep.modeling.words import list_commonest, split_words
from lockstep.standalone.predict import predict_file
from made_up_texts import CANDIDATES, CONTRACT, RECIPE, make_reviews, write_reviews
from owner import features, models  # noqa: F401 - they register steps and candidates
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline

REVIEWS = Contract.model_validate(CONTRACT)
SLOW = pytest.param("text_rnn", marks=pytest.mark.matrix)


def frame(*texts: str | None) -> pd.DataFrame:
    return pd.DataFrame({"text": pd.Series(texts, dtype="str")})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The  Soup\nwas GOOD", ["the", "soup", "was", "good"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("\ufb01ne \uff11\uff12 café cafe\u0301", ["fine", "12", "café", "café"]),
        ("don't!! (no)", ["don", "'", "t", "!", "!", "(", "no", ")"]),
        ("我爱你。", ["我", "爱", "你", "。"]),
        ("すし食べた", ["す", "し", "食", "べ", "た"]),
        ("ดี", ["ด", "ี"]),
        ("السَّمك لذيذ", ["السَّمك", "لذيذ"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("한국어 좋다", ["한국어", "좋다"]),
        ("good👍🏽😀❤️", ["good", "👍", "🏽", "😀", "❤"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zerowidth"]),
        ("\u0000 \ud800", []),
        ("", []),
    ],
)
def test_words_of_any_language_are_told_apart(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_the_commonest_words_are_no_marks_but_may_be_emoji() -> None:
    words = pd.Series(split_words("So good, so (very) good, so \U0001f600... \u00bfso\u3002"))
    assert list_commonest(words, 4) == ["so", "good", "very", "\U0001f600"]
    assert list_commonest(words, 1) == ["so"]


TEXTS = ["a cat sat on a mat", "a cat and a bird", "birds sat", None, "cats cats cats", "unlike"]


@pytest.mark.parametrize(
    ("options", "analyzers"),
    [
        ({"words": 2, "characters": 0}, [{"ngram_range": (1, 2), "token_pattern": r"\S+"}]),
        (
            {"words": 1, "characters": 3},
            [
                {"token_pattern": r"\S+"},
                {"analyzer": "char_wb", "ngram_range": (2, 3)},
            ],
        ),
    ],
)
def test_terms_weigh_as_those_of_scikit_learn(options: dict, analyzers: list[dict]) -> None:
    filled = [text or "" for text in TEXTS]
    X = Terms(min_rows=2, **options).fit_transform(frame(*TEXTS)).toarray()
    parts = [
        TfidfVectorizer(min_df=2, sublinear_tf=True, **one).fit_transform(filled)
        for one in analyzers
    ]
    expected = sparse.hstack(parts).toarray()
    assert X.shape == expected.shape
    # Columns stand in another order: each row must have the same weights.
    np.testing.assert_allclose(np.sort(X), np.sort(expected))
    np.testing.assert_allclose(X @ X.T, expected @ expected.T, atol=1e-12)


def test_the_same_terms_come_whatever_texts_stand_beside_a_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = frame(*make_reviews()["review"])
    whole = Terms().fit(texts)
    together = whole.transform(texts).toarray()
    monkeypatch.setattr(terms, "SIGNS_AT_ONCE", 50)
    parts = Terms().fit(texts)
    for one, other in zip(whole.hashes_, parts.hashes_, strict=True):
        np.testing.assert_array_equal(one, other)
    alone = [whole.transform(texts.iloc[[row]]).toarray()[0] for row in range(len(texts))]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, parts.transform(texts).toarray())


def test_the_commonest_terms_are_kept_where_there_are_too_many() -> None:
    X = frame("a b", "a b", "a c", "c d", "d a")
    assert len(Terms(words=1, characters=0, most=1).fit(X).hashes_[0]) == 1
    assert Terms(words=1, characters=0, most=1).fit_transform(X).sum(axis=1).A1.tolist() == [
        *(1, 1, 1, 0, 1)
    ]


def test_columns_of_one_row_have_their_terms_together() -> None:
    parted = pd.DataFrame({"title": ["good fish", "bad"], "body": ["soup", None]})
    joined = frame("good fish soup", "bad")
    options = {"words": 1, "characters": 3, "min_rows": 1}
    one, other = (Terms(**options).fit_transform(X).toarray() for X in (parted, joined))
    np.testing.assert_array_equal(one, other)


def test_texts_of_which_no_word_comes_twice_say_so() -> None:
    with pytest.raises(ValueError, match=r"no word of 'text' comes in 2 of the 2 rows"):
        Terms().fit(frame("", None))
    assert Terms().fit(frame("ab", "ab")).transform(frame("xy", None)).nnz == 0


@pytest.mark.parametrize("options", [{"words": 4}, {"words": 1, "characters": 9}])
def test_a_text_may_be_shorter_than_a_term(options: dict) -> None:
    fitted = Terms(**options).fit(frame("a great film it was", "a great film it is"))
    assert fitted.transform(frame("great film")).nnz > 0
    assert fitted.transform(frame("")).nnz == 0


@pytest.mark.parametrize("texts", [["ab"] * 3, ["ab cd", "ab", "cd"], ["a b c d", "a b", "c d"]])
def test_few_terms_have_at_most_as_many_numbers(texts: list[str]) -> None:
    X = Terms(words=1, characters=0).fit_transform(frame(*texts))
    numbers = LatentTerms(64).fit_transform(X)
    assert len(numbers) == 3
    assert numbers.shape[1] == min(X.shape)
    assert np.isfinite(numbers).all()


def test_words_are_numbered_by_how_many_train_rows_they_come_in() -> None:
    tokens = Tokens(length=3, size=4).fit(frame("b b a", "a b", "a", "c", "c d"))
    assert tokens.vocabulary_ == {"a": 2, "b": 3}
    expected = [[2, 3, 1], [0, 0, 0], [1, 2, 2]]
    assert tokens.transform(frame("A b new a", None, "? a a")).tolist() == expected


@pytest.fixture
def vectors(project: Project) -> Path:
    path = project.root / "references" / "vectors.txt"
    path.write_text("4 2\nfish 1 2\nFish 5 6\nnew-york 3 4\nlemon -1 0.5\n", encoding="utf-8")
    return path


def test_a_network_begins_with_vectors_from_a_file(vectors: Path) -> None:
    assert vectors.is_file()
    words, numbers = read_vectors("references/vectors.txt", 10)
    assert words == ["fish", "lemon"]
    assert numbers.tolist() == [[1, 2], [-1, 0.5]]
    assert read_vectors("references/vectors.txt", 1)[0] == ["fish"]
    tokens = RECIPE["tokens"] | {"vectors": "references/vectors.txt"}
    problem = make_problem(make_params(features=RECIPE | {"tokens": tokens}), REVIEWS)
    network = make_candidate("text_cnn", CANDIDATES["text_cnn"], problem)
    built = network.build(9, 2, "softmax", **network.options)
    (embedding,) = (layer for layer in built.layers if hasattr(layer, "embeddings"))
    weights = embedding.get_weights()[0]
    assert weights.shape == (40 + 2, 2)
    np.testing.assert_array_equal(weights[2:4], numbers)
    fitted = Tokens(*problem.tokens).fit(frame("lemon soup", "soup"))
    assert [*fitted.vocabulary_] == ["fish", "lemon", "soup"]


def test_words_of_a_file_of_vectors_take_no_place_of_those_of_the_train_rows(
    vectors: Path,
) -> None:
    assert vectors.is_file()
    tokens = {"length": 3, "vocabulary": 4, "vectors": "references/vectors.txt"}
    params = make_params(features=RECIPE | {"tokens": tokens})
    shape = make_problem(params, REVIEWS).require_tokens("text_cnn")
    fitted = Tokens(*shape).fit(frame("good soup", "good soup"))
    assert [*fitted.vocabulary_] == ["fish", "lemon", "good", "soup"]
    assert fitted.transform(frame("good fish?")).tolist() == [[4, 2, 1]]
    assert shape.size == 6


def test_a_word_of_the_train_rows_has_its_vector_however_far_down_the_file_it_is(
    project: Project,
) -> None:
    lines = "fish 1 2\nlemon 3 4\nrice 5 6\ngood way 9 9\nGood 7 8\nsoup x\nbad 9 9\n"
    (project.root / "vectors.txt").write_text(lines, encoding="utf-8")
    project.train.parent.mkdir(parents=True)
    texts = pd.DataFrame({"review": ["good fish", "so good", "so", "bad", None]}, dtype="str")
    texts.to_parquet(project.train)
    recipe = RECIPE | {"tokens": {"length": 3, "vocabulary": 4, "vectors": "vectors.txt"}}
    problem = make_problem(make_params(features=recipe), REVIEWS)
    network = make_candidate("text_cnn", CANDIDATES["text_cnn"], problem)
    built = network.build(4, 2, "softmax", **network.options)
    (embedding,) = (layer for layer in built.layers if hasattr(layer, "embeddings"))
    np.testing.assert_array_equal(embedding.get_weights()[0][2:5], [[1, 2], [3, 4], [7, 8]])
    fitted = Tokens(*problem.tokens).fit(texts.rename(columns={"review": "text"}))
    assert fitted.vocabulary_ == {"fish": 2, "lemon": 3, "good": 4, "so": 5}
    others = Tokens(*problem.tokens).fit(frame("so", "so"))  # as in a fold that lacks the word
    assert others.transform(frame("so good fish")).tolist() == [[5, 1, 2]]


def test_words_with_spaces_in_a_file_of_vectors_are_passed_over(project: Project) -> None:
    lines = "fish 1 2\n. . . 3 4\nat the 5 6\nsoup 7 8\n"
    (project.root / "vectors.txt").write_text(lines, encoding="utf-8")
    words, numbers = read_vectors("vectors.txt", 10)
    assert words == ["fish", "soup"]
    assert numbers.tolist() == [[1, 2], [7, 8]]


def test_a_blank_line_in_a_file_of_vectors_says_nothing(project: Project) -> None:
    (project.root / "vectors.txt").write_text("fish 1 2\n\nbird 3 4\n\n", encoding="utf-8")
    words, vectors = read_vectors("vectors.txt", 10)
    assert words == ["fish", "bird"]
    assert vectors.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file in the project"),
        (b"", "holds no word"),
        (b"fish 1 2\nsoup 1\n", "line 2 has 1 numbers after its first word, where the lines"),
        (b"fish\t1\t2\n", "line 1 has tabs; a word and its numbers, with a space between two"),
        (b"fish\n", "line 1 has no number after its first word; a word and its numbers"),
        (b"fish 1 nan\n", "line 1 has a number that is not finite"),
        (b"fish 1 x\n", "line 1: could not convert string to float: 'x'"),
        (b"fish \xff 1\n", "it is no text in UTF-8"),
    ],
)
def test_a_file_that_holds_no_vectors_gets_a_line(
    project: Project, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (project.root / "vectors.txt").write_bytes(content)
    with pytest.raises(UserError, match=rf"features\.tokens\.vectors: vectors\.txt: {reason}"):
        read_vectors("vectors.txt", 10)


@pytest.mark.parametrize(
    ("name", "changes", "fault"),
    [
        ("text_rnn", {"text": "drop"}, "it reads sentences, and the contract has no column"),
        ("linear", {"text": ["latent"]}, "latent takes terms, and gets prose, which terms take"),
        ("forest", {"text": ["terms"]}, "terms need a step that makes numbers of them: latent"),
        ("linear", {"text": []}, "prose need a step that makes numbers of them: terms"),
        ("linear", {"text": ["terms", "terms"]}, "terms takes prose, and gets terms"),
        (
            "linear",
            {"text": [{"terms": {"characters": 1}}]},
            r"text\.terms\.characters: found 1; parts of words have 2 characters at least, and 0",
        ),
    ],
)
def test_mistakes_in_a_recipe_of_sentences_are_told(name: str, changes: dict, fault: str) -> None:
    params = make_params(features=RECIPE | changes)
    with pytest.raises(UserError, match=fault):
        make_features(name, params, REVIEWS)
        make_candidate(name, {}, make_problem(params, REVIEWS))


def test_naive_bayes_is_not_for_numbers() -> None:
    columns = CONTRACT["columns"] | {"verdict": {"type": "numeric", "meaning": "stars"}}
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    params = make_params(features=RECIPE, kind="regression")
    with pytest.raises(UserError, match="naive_bayes: it tells classes apart; `kind` is regr"):
        make_candidate("naive_bayes", {}, make_problem(params, contract))


def fit(name: str) -> Pipeline:
    params, rows = make_params(features=RECIPE), make_reviews()
    rows["review"] = rows["review"].astype("str")
    rows["visits"] = rows["visits"].astype("Int64")
    pipeline = make_pipeline(
        make_features(name, params, REVIEWS),
        make_candidate(name, CANDIDATES[name], make_problem(params, REVIEWS)),
    )
    return pipeline.fit(rows[REVIEWS.features], rows["verdict"].to_numpy())


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name != "text_rnn"] + [SLOW])
def test_each_candidate_gets_sentences_as_it_takes_them(name: str) -> None:
    pipeline, rows = fit(name), make_reviews()
    X = pipeline[:-1].transform(rows[REVIEWS.features])
    if name.startswith("text_"):
        assert X.shape == (80, 8 + 1)
        assert X[:, :8].max() < 40
    elif name == "forest":
        assert X.shape == (80, 1 + 4)
    else:
        assert sparse.issparse(X)
    assert np.isfinite(X.sum())


@pytest.mark.parametrize("name", ["linear", "naive_bayes", "text_cnn", SLOW])
def test_a_saved_model_predicts_the_same_bits_in_any_company(name: str, tmp_path: Path) -> None:
    model = Model(fit(name), name, "classification", REVIEWS)
    for folder in ("one", "other"):
        model.save(tmp_path / folder)
    contents = [
        [(file.name, file.read_bytes()) for file in sorted((tmp_path / folder).iterdir())]
        for folder in ("one", "other")
    ]
    assert contents[0] == contents[1]
    rows = make_reviews(300)
    rows.loc[7, "review"] = "not one known word"
    expected = model.predict(rows)
    loaded = Model.load(tmp_path / "one")
    pd.testing.assert_frame_equal(loaded.predict(rows), expected)
    alone = pd.concat([loaded.predict(rows.iloc[[row]]) for row in (0, 7, 299)])
    pd.testing.assert_frame_equal(alone, expected.iloc[[0, 7, 299]])
    assert expected["reason"].isna().all()
    if name.startswith("text_"):
        words = json.loads((tmp_path / "one" / "vocabulary.json").read_text(encoding="utf-8"))
        assert [*words.values()] == [*range(2, len(words) + 2)]
        assert "köstlich" in words
        (tmp_path / "one" / "vocabulary.json").write_text("{}")
        with pytest.raises(UserError, match=r"vocabulary\.json is not the file that was saved"):
            Model.load(tmp_path / "one")


def test_predict_says_how_many_texts_hold_no_word_that_the_model_has_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, file = make_reviews(), tmp_path / "new.csv"
    model = Model(fit("linear"), "linear", "classification", REVIEWS)
    lexicons = {"review": Lexicon.fit(train["review"])}
    rows = train.head(6).copy()
    rows.to_csv(file, index=False)
    predict_file(model, file, None, resize=False, lexicons=lexicons)
    assert capsys.readouterr().err == ""
    foreign = ["Рыба была вкусной.", "თევზი", "xyzzy"]
    rows["review"] = [rows["review"][0], *foreign, None, "12!"]
    rows.to_csv(file, index=False)
    predict_file(model, file, None, resize=False, lexicons=lexicons)
    printed, told = capsys.readouterr()
    assert len(printed.splitlines()) == 7
    assert told == (
        "predict: review: 3 of 6 texts hold no word that the model has seen, so it can only guess; "
        "first: row 2, whose letters are Cyrillic, as those of no train row\n"
    )


def test_a_pipeline_with_sentences_runs_from_the_raw_file_to_the_report(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_reviews(project, train=PARAMS["train"])
    with drawing():
        run_stages()
    board = pd.read_csv(project.leaderboard).set_index("candidate")
    assert {*board.index} == {*CANDIDATES}
    scores = json.loads(project.metrics.read_text(encoding="utf-8"))
    assert scores["log_loss"] < 0.9 * scores["baseline"]["log_loss"]
    page, card = (path.read_text(encoding="utf-8") for path in (project.report, project.model_card))
    for text in (page, card):
        assert "Which words matter" in text
        assert "köstlich" in text
        assert "<b>" not in text
    make_reviews().head(2).assign(review="Рыба была вкусной").to_csv("new.csv", index=False)
    predict_with_champion(Path("new.csv"), None)
    assert "review: 2 of 2 texts hold no word" in capsys.readouterr().err
