"""Keras networks behave as scikit-learn estimators."""

import functools
import gc
import pickle
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from lockstep import Problem
from lockstep.core import progress
from lockstep.core.errors import UserError
from lockstep.modeling import training
from lockstep.modeling.archive import write_keras
from lockstep.modeling.examples import Examples
from lockstep.modeling.layers import RandomFlip, RandomShift
from lockstep.modeling.networks import (
    NetworkClassifier,
    NetworkRegressor,
    load_network,
    without_network,
)
from owner.models import common, images, tables
from sklearn.base import clone
from sklearn.model_selection import cross_validate

X = np.random.default_rng(0).normal(size=(80, 3))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")
VALUES = 100 + 50 * X[:, 0] - 20 * X[:, 2]
PERCEPTRON = {"hidden_units": (32,), "dropout": 0.0}
WIDE_AND_DEEP = PERCEPTRON | {"embedding": 4}
MOVES = {"shift": 0, "flip": False}
CONVOLUTION = {"image": (10, 10, 3), "filters": (8, 8), "padding": "valid", **MOVES}
CONVOLUTION |= {"dropout": 0.5}


def classifier(**parameters: object) -> NetworkClassifier:
    return perceptron(NetworkClassifier, **parameters)


def regressor(**parameters: object) -> NetworkRegressor:
    return perceptron(NetworkRegressor, **parameters)


def perceptron(kind: type, **parameters: object) -> NetworkClassifier | NetworkRegressor:
    options = {name: parameters.pop(name, value) for name, value in PERCEPTRON.items()}
    return kind(build=common.perceptron, options=options, **parameters)


def wide_and_deep(kind: type, categories: tuple[int, ...] = (), **training: object) -> object:
    options = WIDE_AND_DEEP | {"categories": categories}
    return kind(build=tables.linear_beside_perceptron, options=options, **training)


def convolution(shift: int = 0, **training: object) -> NetworkClassifier:
    options = CONVOLUTION | {"shift": shift}
    return NetworkClassifier(build=images.convolutional, options=options, **training)


def test_clone_keeps_every_parameter() -> None:
    options = {"hidden_units": (7,), "dropout": 0.1}
    changed = {"build": common.perceptron, "options": options}
    changed |= {"learning_rate": 0.5, "batch_size": 3}
    changed |= {"max_epochs": 9, "patience": 2, "validation_fraction": 0.3, "random_state": 5}
    changed |= {"schedule": "cosine", "class_weight": "balanced"}
    estimator = NetworkClassifier(**changed)
    assert clone(estimator).get_params() == changed == estimator.get_params()


@pytest.mark.matrix
def test_cross_validation_trains_as_long_as_a_direct_fit() -> None:
    estimator = classifier(max_epochs=4, patience=4)
    result = cross_validate(estimator, X, LABELS, cv=2, return_estimator=True)
    assert [len(fitted.history_["loss"]) for fitted in result["estimator"]] == [4, 4]


@pytest.mark.matrix
def test_folds_share_one_network_to_train_and_one_to_predict_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "_twins", {})
    wide_and_deep(NetworkRegressor, max_epochs=1).fit(X, VALUES)
    training._twins.clear()
    cross_validate(classifier(max_epochs=1), X, LABELS, cv=4)
    assert [use for _, use in training._twins] == [
        "sparse_categorical_crossentropy",
        "prediction",
    ]


@pytest.mark.matrix
def test_a_search_over_many_shapes_keeps_what_is_compiled_for_the_latest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "_twins", {})
    monkeypatch.setattr(training, "MOST_TWINS", 2)
    twins = []
    for units in (2, 3, 2):
        fitted = classifier(hidden_units=(units,), max_epochs=1).fit(X, LABELS)
        fitted.predict(X)
        twins.append(weakref.ref(next(iter(training._twins.values()))))
        assert len(training._twins) == 2
    expected = fitted.predict_proba(X)
    gc.collect()
    assert [twin() is None for twin in twins] == [True, True, False]
    again = classifier(hidden_units=(2,), max_epochs=1).fit(X, LABELS)
    np.testing.assert_array_equal(again.predict_proba(X), expected)


@pytest.mark.skipif(training.keras.backend.backend() == "torch", reason="torch compiles nothing")
def test_folds_of_different_size_share_what_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_twins", {})
    traced = []
    dense = training.keras.layers.Dense
    call = dense.call

    @functools.wraps(call)
    def note(*args: object, **options: object) -> object:
        traced.append(args)
        return call(*args, **options)

    monkeypatch.setattr(dense, "call", note)
    counts = []
    for rows in (80, 79, 61, 80):
        traced.clear()
        fitted = classifier(max_epochs=2).fit(X[:rows], LABELS[:rows])
        fitted.predict(X[: rows - 40])
        counts.append(len(traced))
    assert counts[0] > 0
    assert counts[1:] == [0, 0, 0]


def test_another_network_in_between_changes_nothing() -> None:
    first = regressor(max_epochs=3, random_state=1).fit(X, VALUES)
    expected = first.predict(X)
    regressor(max_epochs=3, random_state=2).fit(X, -VALUES)
    again = regressor(max_epochs=3, random_state=1).fit(X, VALUES)
    np.testing.assert_array_equal(first.predict(X), expected)
    np.testing.assert_array_equal(again.predict(X), expected)


def test_dropout_draws_the_same_after_another_network() -> None:
    options = {"dropout": 0.5, "max_epochs": 3}
    one = regressor(random_state=1, **options).fit(X, VALUES).predict(X)
    regressor(random_state=2, **options).fit(X, VALUES)
    two = regressor(random_state=1, **options).fit(X, VALUES).predict(X)
    np.testing.assert_array_equal(one, two)


def test_a_row_is_predicted_the_same_alone_and_among_others() -> None:
    estimator = classifier(max_epochs=2).fit(X, LABELS)
    np.testing.assert_array_equal(estimator.predict_proba(X[7:8])[0], estimator.predict_proba(X)[7])
    many = np.tile(X, (10, 1))
    np.testing.assert_allclose(estimator.predict_proba(many)[:80], estimator.predict_proba(X))


def test_batches_are_filled_with_rows_that_do_not_count() -> None:
    numbers = np.arange(10.0)
    rows = Examples(numbers, numbers, np.full(10, 2, dtype="float32"))
    filled = training._fill(rows, 4)
    assert len(filled) == 12
    assert (filled.X * (filled.weights > 0)).sum() == numbers.sum()
    assert (filled.weights > 0).tolist() == [True] * 10 + [False] * 2
    assert filled.weights.mean() == pytest.approx(2)
    assert (rows.weights == 2).all()


def test_a_classifier_learns_and_gives_probabilities() -> None:
    estimator = classifier(max_epochs=60).fit(X, LABELS)
    likely = estimator.predict_proba(X)
    assert estimator.classes_.tolist() == ["down", "up"]
    assert likely.shape == (80, 2)
    np.testing.assert_allclose(likely.sum(axis=1), 1)
    assert estimator.score(X, LABELS) > 0.9


def test_a_regressor_learns_in_the_targets_own_unit() -> None:
    estimator = regressor(max_epochs=60).fit(X, VALUES)
    assert estimator.score(X, VALUES) > 0.9


@pytest.mark.matrix
def test_a_wide_and_deep_network_learns_from_codes() -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(-1, 3, size=(200, 2))
    rows = np.column_stack([codes, rng.normal(size=200)])
    y = np.array([0.0, 10, 30, 60])[codes[:, 0] + 1] + 5 * (codes[:, 1] == 2)
    settings = {"max_epochs": 60, "learning_rate": 0.05}
    estimator = wide_and_deep(NetworkRegressor, (3, 3), **settings).fit(rows, y)
    assert estimator.score(rows, y) > 0.95


@pytest.mark.matrix
def test_the_wide_part_needs_no_numbers_and_the_deep_part_no_codes() -> None:
    codes = np.random.default_rng(2).integers(0, 2, size=(60, 1)).astype("float64")
    y = np.where(codes[:, 0] == 1, "yes", "no")
    assert wide_and_deep(NetworkClassifier, (2,), max_epochs=40).fit(codes, y).score(codes, y) == 1
    assert wide_and_deep(NetworkClassifier, max_epochs=40).fit(X, LABELS).score(X, LABELS) > 0.9


@pytest.mark.matrix
def test_a_convolution_tells_where_in_an_image_something_is_from_what_it_is() -> None:
    rng = np.random.default_rng(0)
    images = rng.random((240, 10, 10, 3)).astype("float32") * 0.2
    labels = np.where(np.arange(240) % 2, "cross", "bar")
    for image, label in zip(images, labels, strict=True):
        y, x = rng.integers(1, 9, size=2)
        image[y, x - 1 : x + 2, 1] = 1
        if label == "cross":
            image[y - 1 : y + 2, x, 1] = 1
    flat = images.reshape(240, -1)
    estimator = convolution(batch_size=16, learning_rate=0.01, max_epochs=25)
    assert estimator.fit(flat[:200], labels[:200]).score(flat[200:], labels[200:]) > 0.9


def test_images_move_by_whole_pixels_to_all_sides_while_training_only() -> None:
    image = np.random.default_rng(0).random((3, 4, 2)).astype("float32")
    images, padded = np.stack([image] * 500), np.pad(image, ((1, 1), (1, 1), (0, 0)))
    moves = [padded[y : y + 3, x : x + 4] for y in range(3) for x in range(3)]
    layer = RandomShift(1)
    one, two = (np.array(layer(images, training=True)) for _ in range(2))
    for moved in (one, two):
        is_move = np.array([(moved == move).all(axis=(1, 2, 3)) for move in moves])
        assert (is_move.sum(axis=0) == 1).all()
        assert (is_move.mean(axis=1) > 0.05).all()
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(layer(images), images)
    np.testing.assert_array_equal(layer(images, training=False), images)


def test_images_are_mirrored_or_not_while_training_only() -> None:
    image = np.random.default_rng(0).random((3, 4, 2)).astype("float32")
    images, layer = np.stack([image] * 100), RandomFlip()
    mirrored = np.array(layer(images, training=True))
    is_kept = (mirrored == image).all(axis=(1, 2, 3))
    assert 20 < is_kept.sum() < 80
    np.testing.assert_array_equal(mirrored[~is_kept], images[~is_kept][:, :, ::-1])
    np.testing.assert_array_equal(layer(images), images)


@pytest.mark.matrix
def test_a_residual_network_that_moves_images_has_the_same_bytes_twice_and_is_loaded_as_it_was(
    tmp_path: Path,
) -> None:
    rows = np.random.default_rng(1).random((60, 302))
    options = {"image": (10, 10, 3), "filters": (4, 8), "blocks": 1, "shift": 2, "flip": True}
    for number in range(2):
        network = NetworkRegressor(build=images.residual, options=options, max_epochs=1)
        write_keras(network.fit(rows, VALUES[:60]).network_, tmp_path / f"{number}.keras")
    assert (tmp_path / "0.keras").read_bytes() == (tmp_path / "1.keras").read_bytes()
    loaded = load_network(tmp_path / "0.keras")
    assert [layer.pixels for layer in loaded.layers if isinstance(layer, RandomShift)] == [2]
    np.testing.assert_array_equal(training.predict(loaded, rows), network._outputs(rows))


@pytest.mark.parametrize(("columns", "last"), [(300, [8, 1]), (302, [10, 64, 1])])
def test_what_is_seen_in_images_is_mixed_with_the_columns_beside_them_if_there_are_any(
    columns: int, last: list[int]
) -> None:
    options = {"image": (10, 10, 3), "filters": (4, 8), "blocks": 1, "shift": 0, "flip": False}
    network = images.residual(columns, 1, "linear", **options)
    assert [layer.output.shape[1] for layer in network.layers][-len(last) :] == last


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "options"), [("cnn", {"padding": "same"}), ("resnet", {})])
def test_networks_learn_what_takes_both_an_image_and_the_column_beside_it(
    name: str, options: dict[str, str]
) -> None:
    rng = np.random.default_rng(0)
    shades, column = rng.random((600, 8, 8, 3)), rng.normal(size=(600, 1))
    is_upright = rng.integers(2, size=600) == 1
    shades[is_upright, :, ::2] += 0.5
    shades[~is_upright, ::2] += 0.5
    rows = np.hstack([shades.reshape(600, -1), column])
    answers = is_upright + 2 * (column[:, 0] > 0)
    problem = Problem("classification", 0, image=(8, 8, 3))
    training = {"learning_rate": 0.003, "batch_size": 16, "max_epochs": 15, "patience": 15}
    network = getattr(images, name)(problem, **options, **training).fit(rows[:500], answers[:500])
    assert (network.predict(rows[500:]) == answers[500:]).mean() > 0.8  # by one alone 0.5


@pytest.mark.matrix  # by default a residual network shows the same
def test_a_network_that_moves_images_has_the_same_bytes_twice_and_is_loaded_as_it_was(
    tmp_path: Path,
) -> None:
    rows = np.random.default_rng(1).random((60, 300))
    fitted = []
    for number in range(2):
        fitted.append(convolution(shift=2, max_epochs=2).fit(rows, LABELS[:60]))
        write_keras(fitted[-1].network_, tmp_path / f"{number}.keras")
    assert (tmp_path / "0.keras").read_bytes() == (tmp_path / "1.keras").read_bytes()
    loaded = load_network(tmp_path / "0.keras")
    assert [layer.pixels for layer in loaded.layers if isinstance(layer, RandomShift)] == [2]
    np.testing.assert_array_equal(training.predict(loaded, rows), fitted[0]._outputs(rows))
    still = convolution(max_epochs=2).fit(rows, LABELS[:60])
    assert still.history_["loss"] != fitted[0].history_["loss"]


@pytest.mark.matrix
def test_a_network_is_the_same_after_others_as_in_a_process_of_its_own(tmp_path: Path) -> None:
    wide_and_deep(NetworkRegressor, max_epochs=1).fit(X, VALUES)
    network = classifier(max_epochs=2).fit(X, LABELS).network_
    assert [layer.name for layer in network.layers] == ["dense", "dropout", "dense_1"]
    write_keras(network, tmp_path / "here.keras")
    code = (
        "import sys; from pathlib import Path; import conftest, test_networks as tests\n"
        "network = tests.classifier(max_epochs=2).fit(tests.X, tests.LABELS).network_\n"
        "tests.write_keras(network, Path(sys.argv[1]))"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "there.keras")]
    subprocess.run(arguments, check=True, cwd=Path(__file__).parent)
    assert (tmp_path / "here.keras").read_bytes() == (tmp_path / "there.keras").read_bytes()


def test_the_same_seed_gives_the_same_network() -> None:
    one, two, other = (
        regressor(max_epochs=3, random_state=seed).fit(X, VALUES).predict(X) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "plateau"])
def test_a_schedule_lowers_the_learning_rate(
    monkeypatch: pytest.MonkeyPatch, schedule: str
) -> None:
    rates = []
    progress = training.Progress.on_epoch_end

    def note(self: training.Progress, epoch: int, logs: dict) -> None:
        if self.watches:
            rates.append(float(np.array(self.model.optimizer.learning_rate)))
        progress(self, epoch, logs)

    monkeypatch.setattr(training.Progress, "on_epoch_end", note)
    noise = np.random.default_rng(1).normal(size=80)
    options = {"max_epochs": 12, "patience": 8, "learning_rate": 0.1}
    regressor(schedule=schedule, hidden_units=(64,), **options).fit(X, noise)
    assert rates[0] == pytest.approx(0.1)
    if schedule == "constant":
        assert set(rates) == {rates[0]}
    else:
        assert rates == sorted(rates, reverse=True)
        assert rates[-1] < 0.06


@pytest.mark.parametrize("schedule", ["constant", "cosine", "plateau"])
def test_a_network_learns_anew_from_all_rows_for_the_epochs_found_on_the_watched_ones(
    monkeypatch: pytest.MonkeyPatch, schedule: str
) -> None:
    noise = np.random.default_rng(1).choice(["up", "down"], size=80)
    options = {"hidden_units": (64,), "learning_rate": 0.1, "patience": 6, "schedule": schedule}
    trainings = []
    usual = training._train_twin

    def note(*arguments: object, **settings: object) -> object:
        rates = []
        noted = Rates(rates)
        settings["callbacks"] = [*settings["callbacks"], noted]
        trainings.append((arguments[2], arguments[1], rates))
        return usual(*arguments, **settings)

    monkeypatch.setattr(training, "_train_twin", note)
    estimator = classifier(**options).fit(X, noise)
    losses = estimator.history_["val_loss"]
    assert len(losses) < 200
    assert int(np.argmin(losses)) == len(losses) - 1 - 6
    (learnt, weights, rates), (all_rows, same_weights, rates_again) = trainings
    assert (len(learnt), len(all_rows)) == (64, 80)
    assert len(rates) == len(losses)
    assert rates_again == rates[: len(losses) - 6]
    assert weights is same_weights
    np.testing.assert_array_equal(all_rows.X, X.astype("float32"))


class Rates(training.keras.callbacks.Callback):
    """Notes the learning rate of each epoch."""

    def __init__(self, rates: list[float]) -> None:
        super().__init__()
        self.rates = rates

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
        if batch == 0:
            self.rates.append(float(np.array(self.model.optimizer.learning_rate)))


def test_a_row_that_was_watched_is_learnt_from() -> None:
    _, watched = classifier().hold_out(LABELS)
    X_odd = X.copy()
    X_odd[watched[0]] += 100
    one, two = (classifier(max_epochs=2).fit(rows, LABELS) for rows in (X, X_odd))
    assert one.history_["loss"] == two.history_["loss"]
    assert one.history_["val_loss"] != two.history_["val_loss"]
    assert not np.array_equal(one.predict_proba(X), two.predict_proba(X))


def test_progress_is_a_changing_line_on_a_terminal_and_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    regressor(max_epochs=2).fit(X, VALUES)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", -1)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_CHANGES", -1)
    regressor(max_epochs=2).fit(X, VALUES)
    lines = capsys.readouterr().err.splitlines()
    epochs = [line.partition(", loss")[0] for line in lines]
    assert epochs[:2] == [f"perceptron: epoch {number} of at most 2" for number in (1, 2)]
    assert epochs[2:] == [
        f"perceptron: epoch {number} of {len(epochs) - 2} on all rows"
        for number in range(1, len(epochs) - 1)
    ]
    assert len(epochs) > 2
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    regressor(max_epochs=2).fit(X, VALUES)
    written = capsys.readouterr().err
    assert written.count("\r") == len(lines) + 2
    assert written.endswith("\r\033[K")
    assert "\n" not in written
    monkeypatch.setattr(progress, "is_worker", lambda: True)
    regressor(max_epochs=2).fit(X, VALUES)
    assert capsys.readouterr().err == ""


def test_progress_is_short_whatever_the_loss(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", -1)
    training.Progress("mlp", 20, watches=True).on_epoch_end(0, {"loss": 2 / 3, "val_loss": 3e38})
    expected = "mlp: epoch 1 of at most 20, loss 0.6667, on the watched rows 3e+38\n"
    assert capsys.readouterr().err == expected


def test_a_network_that_diverges_is_told_in_one_line() -> None:
    with pytest.raises(UserError, match=r"the loss is no number any more after 1 epochs; lower"):
        regressor(learning_rate=1e30).fit(X, VALUES)


def test_a_pickle_predicts_as_the_original_and_has_the_same_bytes_each_time() -> None:
    one, two = (classifier(max_epochs=1).fit(X, LABELS) for _ in range(2))
    loaded = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(loaded.predict_proba(X), one.predict_proba(X))
    assert pickle.dumps(one) == pickle.dumps(two)


def test_a_network_can_be_left_out_of_a_pickle() -> None:
    estimator = classifier(max_epochs=1).fit(X, LABELS)
    with without_network(estimator):
        assert not hasattr(pickle.loads(pickle.dumps(estimator)), "network_")
    assert hasattr(estimator, "network_")


@pytest.mark.parametrize("labels", [["a"] * 79 + ["b"], ["a", "b"] * 40])
def test_a_rare_class_does_not_stop_the_fit(labels: list[str]) -> None:
    estimator = classifier(max_epochs=1).fit(X, np.array(labels))
    assert estimator.classes_.tolist() == ["a", "b"]


@pytest.mark.matrix
def test_more_columns_than_rows_are_no_obstacle() -> None:
    wide = np.random.default_rng(0).normal(size=(12, 200))
    estimator = classifier(max_epochs=3).fit(wide, np.array(["a", "b"] * 6))
    assert estimator.predict_proba(wide).shape == (12, 2)
