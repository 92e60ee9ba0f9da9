"""The numbers that stand for an image."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_params
from lockstep import keras, make_candidate, make_features, make_problem
from lockstep.core.contract import Contract
from lockstep.modeling.embedding import DISTANCE, Embedding
from lockstep.modeling.model import Model
from lockstep.modeling.profile import make_profile, read_profile
from lockstep.modeling.train_rows import TrainRows
from lockstep.standalone.answers import Answerer, Query
from owner import features, models  # noqa: F401 - they register steps and candidates
from PIL import Image
from sklearn.pipeline import Pipeline, make_pipeline

SIZE = 6
CONTRACT = Contract.model_validate(
    {
        **{"title": "Made-up pictures", "source": "none", "licence": "none", "target": "bright"},
        "images": {"width": SIZE, "height": SIZE},
        "columns": {"bright": {"type": "binary", "categories": ["no", "yes"], "meaning": "m"}},
    }
)


def make_pictures(count: int, seed: int) -> pd.DataFrame:
    """Dark ones, and ones that are bright on the right."""
    rng = np.random.default_rng(seed)
    labels = rng.random(count) < 0.5
    shades = rng.integers(0, 100, size=(count, SIZE, SIZE))
    shades[:, :, 3:] += 100 * labels[:, np.newaxis, np.newaxis]
    return pd.DataFrame({"image": as_bytes(shades), "bright": np.where(labels, "yes", "no")})


def as_bytes(shades: np.ndarray) -> list[bytes]:
    return [one.astype("uint8").tobytes() for one in shades]


def fit_linear(pictures: pd.DataFrame) -> Pipeline:
    return make_candidate_pipeline("linear").fit(pictures[["image"]], pictures["bright"].to_numpy())


def make_candidate_pipeline(candidate: str, **options: object) -> Pipeline:
    params = make_params()
    estimator = make_candidate(candidate, options, make_problem(params, CONTRACT))
    return make_pipeline(make_features(candidate, params, CONTRACT), estimator)


def make_network(pictures: pd.DataFrame) -> Pipeline:
    """One that has learnt nothing yet, which takes no time."""
    pipeline = make_candidate_pipeline("cnn", filters=[3], padding="same")
    numbers = pipeline[0].fit_transform(pictures[["image"]])
    network = pipeline[-1]
    keras.utils.set_random_seed(0)
    network.network_ = network.build(numbers.shape[1], 2, "softmax", **network.options)
    network.classes_, network.n_features_in_ = np.array(["no", "yes"]), numbers.shape[1]
    return pipeline


@pytest.fixture(scope="module", params=[fit_linear, make_network])
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    return request.param(make_pictures(300, 0))


@pytest.fixture(scope="module")
def embedding(pipeline: Pipeline) -> Embedding:
    return Embedding.fit(pipeline, make_pictures(300, 0)[["image"]])


def embed(embedding: Embedding, pipeline: Pipeline, pictures: pd.DataFrame) -> pd.DataFrame:
    return embedding.embed(pipeline, pictures[["image"]])


def test_pictures_like_those_seen_are_as_near_as_these_and_others_are_further(
    embedding: Embedding, pipeline: Pipeline
) -> None:
    seen, alike, others = (make_pictures(300, 0), make_pictures(300, 1), make_pictures(300, 2))
    others["image"] = as_bytes(np.random.default_rng(3).integers(0, 2, (300, SIZE, SIZE)) * 255)
    near, as_near, far = (
        embed(embedding, pipeline, pictures)[DISTANCE].median()
        for pictures in (seen, alike, others)
    )
    assert as_near == pytest.approx(near, rel=0.1)
    assert far > 1.5 * near


def test_the_numbers_tell_apart_what_the_model_does(
    embedding: Embedding, pipeline: Pipeline
) -> None:
    pictures = make_pictures(300, 1)
    table = embed(embedding, pipeline, pictures)
    is_bright = (pictures["bright"] == "yes").to_numpy()
    gap = table[is_bright].mean() - table[~is_bright].mean()
    assert abs(gap["embedding_1"]) > 1.5 * table["embedding_1"].std()


def test_a_picture_has_the_same_numbers_to_the_last_bit_alone_and_among_others(
    embedding: Embedding, pipeline: Pipeline
) -> None:
    pictures = make_pictures(300, 1)
    together = embed(embedding, pipeline, pictures)
    for place in (0, 7, 299):
        alone = embed(embedding, pipeline, pictures[place : place + 1])
        assert alone.to_numpy().tolist() == together[place : place + 1].to_numpy().tolist()
    assert embed(embedding, pipeline, pictures[:0]).shape == (0, len(embedding.names))


def test_of_a_network_it_is_what_the_last_layer_takes_in() -> None:
    pictures = make_pictures(60, 0)
    pipeline = make_network(pictures)
    numbers = pipeline[:-1].transform(pictures[["image"]])
    units = pipeline[-1].embed(numbers)
    assert units.shape == (60, 3 * 3 * 3)
    kernel, bias = (np.array(one) for one in pipeline[-1].network_.layers[-1].get_weights())
    outputs = np.exp(units @ kernel + bias)
    shares = outputs / outputs.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(pipeline.predict_proba(pictures[["image"]]), shares, rtol=1e-4)


def test_of_classes_in_an_order_it_is_what_their_score_is_made_of() -> None:
    grades = ["low", "middle", "high"]
    column = {"type": "ordered", "categories": grades, "meaning": "m"}
    contract = Contract.model_validate(
        CONTRACT.model_dump(exclude={"columns"}) | {"columns": {"bright": column}}
    )
    problem = make_problem(make_params(), contract)
    network = make_candidate("cnn", {"filters": [3], "padding": "same"}, problem)
    built = network.build(SIZE * SIZE, 1, "linear", **network.options)
    network.classes_, network.n_features_in_ = np.array(grades), SIZE * SIZE
    network.network_ = network._finish(built)
    units = network.embed(np.zeros((2, SIZE * SIZE)))
    assert units.shape == (2, 3 * 3 * 3)


def test_pictures_that_are_all_the_same_have_a_distance_alone() -> None:
    pictures = make_pictures(20, 0)
    pipeline = fit_linear(pictures)
    blank = pd.DataFrame({"image": as_bytes(np.zeros((20, SIZE, SIZE)))})
    embedding = Embedding.fit(pipeline, blank)
    assert embedding.names == (DISTANCE,)
    assert (embedding.embed(pipeline, blank)[DISTANCE] == 0).all()
    assert (embedding.embed(pipeline, pictures[["image"]])[DISTANCE] > 0).all()


def test_of_very_large_pictures_neighbouring_numbers_are_joined(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockstep.modeling.embedding.MOST_NUMBERS", 10)
    embedding = Embedding.fit(pipeline, make_pictures(300, 0)[["image"]])
    assert embedding.mean.shape == (10,)
    test_the_numbers_tell_apart_what_the_model_does(embedding, pipeline)


def make_model(pipeline: Pipeline) -> Model:
    return Model(pipeline, "any", "classification", CONTRACT)


def test_the_profile_counts_pictures_by_their_numbers_and_brings_them_along(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    pictures, params = make_pictures(300, 0), make_params()
    rows = TrainRows(pictures, None, CONTRACT, params, np.arange(300))
    model, fold = make_model(pipeline), (np.arange(200), np.arange(200, 300))
    outcome = model.try_on(rows.table[200:])
    for name in ("one", "two"):
        model.save(tmp_path / name, make_profile(model, rows, [fold], [outcome]))
    one, two = (tmp_path / name / "profile.json" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    profile = read_profile(tmp_path / "one", "one")
    assert profile.embeddings[-1] == DISTANCE
    assert [*profile.scales] == [*profile.embeddings, *profile.scores]
    numbers = profile.embedding.embed(pipeline, pictures[["image"]])
    for name in profile.embeddings:
        counts = profile.tallies[name].counts
        places = profile.scales[name].place(numbers[name])
        assert np.bincount(places, minlength=len(counts)).tolist() == counts.tolist()


def test_a_worker_tells_of_a_picture_only_the_numbers_that_stand_for_it(
    embedding: Embedding, pipeline: Pipeline, tmp_path: Path
) -> None:
    pictures = make_pictures(2, 5)
    questions = [Query("image", [], b"no picture")]
    for place, content in enumerate(pictures["image"]):
        path = tmp_path / f"{place}.png"
        Image.frombytes("L", (SIZE, SIZE), content).save(path)
        questions.append(Query("image", [], path.read_bytes()))
    answerer = Answerer(make_model(pipeline), resize=False, embedding=embedding)
    broken, *replies = answerer.answer(questions, ["bright"], 5)
    assert broken["rows"] == [{}]
    assert "errors" in broken["answers"][0]
    expected = embed(embedding, pipeline, pictures).to_dict(orient="records")
    assert [reply["rows"] for reply in replies] == [[row] for row in expected]
    for columns in (None, []):
        silent = answerer.answer(questions[1:], columns, 5)
        assert [reply["rows"] for reply in silent] == [None, None]
