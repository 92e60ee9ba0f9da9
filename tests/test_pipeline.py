"""What the default project does when a person runs it."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import OFFLINE, Project, bake, lighten

CANDIDATES = ["baseline", "linear", "knn", "svm", "tree", "forest", "boosting", "mlp"]
FIGURES = {
    *("confusion_matrix.png", "roc_curve.png", "precision_recall.png", "calibration.png"),
    *("importance.png", "partial_dependence.png", "training_sizes.png", "learning_curve_mlp.png"),
}
STAGES = ["ingest", "preprocess", "train", "evaluate"]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def stages_run(printed: str) -> list[str]:
    """The stages that `dvc repro` ran, by its own words."""
    return [name for name in STAGES if f"Running stage '{name}'" in printed]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")


def pin_torch(project: Project) -> None:
    """Ask for the torch whose CPU build CONTRIBUTING speaks of, if this project wants torch."""
    path = project / "pyproject.toml"
    if '"torch>=' in path.read_text(encoding="utf-8"):
        edit(path, '"torch>=2.13"', '"torch==2.13.0"')


def test_the_champion_is_good_on_rows_it_has_not_seen(reproduced: Project) -> None:
    metrics = json.loads((reproduced / "reports/metrics.json").read_text(encoding="utf-8"))
    assert metrics["accuracy"] > 0.9
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "average_precision"):
        assert metrics["intervals"][name][0] > metrics["baseline"]["intervals"][name][1]
    assert metrics["intervals"]["log_loss"][1] < metrics["baseline"]["intervals"]["log_loss"][0]
    assert metrics["test_rows"] == len(read_csv(reproduced / "reports/plots/predictions.csv")) > 25


def test_the_leaderboard_has_mean_and_spread_of_every_candidate(reproduced: Project) -> None:
    rows = read_csv(reproduced / "reports/leaderboard.csv")
    assert [row["candidate"] for row in rows] == CANDIDATES
    for row in rows:
        assert 0 <= float(row["accuracy_mean"]) <= 1
        assert float(row["accuracy_std"]) >= 0
    champion = min(rows, key=lambda row: float(row["log_loss_mean"]))
    assert [row["candidate"] for row in rows if row["champion"] == "True"] == [
        champion["candidate"]
    ]


def test_the_networks_history_has_every_fold(reproduced: Project) -> None:
    history = read_csv(reproduced / "reports/history.csv")
    assert {row["fold"] for row in history} == {"1", "2", "3", "4", "5"}
    assert {row["candidate"] for row in history} == {"mlp"}
    for fold in "12345":
        epochs = [int(row["epoch"]) for row in history if row["fold"] == fold]
        assert epochs == list(range(1, len(epochs) + 1))


def test_every_figure_is_a_picture_of_some_size(reproduced: Project) -> None:
    names = {path.name for path in (reproduced / "reports/figures").iterdir()}
    assert names == FIGURES
    for name in names:
        head = (reproduced / "reports/figures" / name).read_bytes()[:24]
        assert head.startswith(b"\x89PNG")
        width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
        assert min(width, height) > 400, name


def test_the_model_card_shows_the_figures_of_the_run(reproduced: Project) -> None:
    card = (reproduced / "reports/model_card.md").read_text(encoding="utf-8")
    metrics = json.loads((reproduced / "reports/metrics.json").read_text(encoding="utf-8"))
    low, high = metrics["intervals"]["accuracy"]
    assert f"| accuracy | {metrics['accuracy']:.4f} ({low:.4f} to {high:.4f}) |" in card
    assert "CC BY 4.0" in card
    for picture in (reproduced / "reports/figures").iterdir():
        assert f"(figures/{picture.name})" in card


KEPT = ("actual", "row", "group")
"""What is kept of test rows besides what was predicted."""


def test_a_new_process_predicts_what_evaluate_saw(reproduced: Project) -> None:
    printed = reproduced.run("uv", "run", "my-project", "predict", "data/processed/test.parquet")
    seen = read_csv(reproduced / "reports/plots/predictions.csv")
    assert list(csv.DictReader(io.StringIO(printed))) == [
        {name: value for name, value in row.items() if name not in KEPT} | {"reason": ""}
        for row in seen
    ]


def test_predict_reads_csv_and_writes_a_file(demo: Project) -> None:
    rows = read_csv(demo / "data/raw/iris.csv")
    model = json.loads((demo / "models/champion/model.json").read_text(encoding="utf-8"))
    champion = model["candidate"]
    printed = demo.run(
        "uv", "run", "my-project", "predict", "data/raw/iris.csv", "-o", "predictions.csv"
    )
    assert printed == f"predict: 150 rows by {champion} -> predictions.csv\n"
    predictions = read_csv(demo / "predictions.csv")
    probabilities = [f"probability_{name}" for name in SPECIES]
    assert list(predictions[0]) == ["prediction", *probabilities, "reason"]
    agree = [a["species"] == b["prediction"] for a, b in zip(rows, predictions, strict=True)]
    assert sum(agree) > 0.9 * 150


SPECIES = ["setosa", "versicolor", "virginica"]


def test_status_is_clean_after_a_run(reproduced: Project) -> None:
    assert "Data and pipelines are up to date." in reproduced.run(
        "uv", "run", "dvc", "status", "dvc.yaml"
    )


def test_git_is_clean_after_a_run_and_a_commit(reproduced: Project) -> None:
    assert reproduced.run("git", "status", "--porcelain") == ""
    tracked = reproduced.run("git", "ls-files").split()
    assert {"dvc.lock", "uv.lock", "reports/metrics.json"} <= set(tracked)
    assert not [name for name in tracked if name.endswith((".parquet", ".keras", ".joblib"))]


def test_a_second_run_runs_nothing(reproduced: Project) -> None:
    assert stages_run(reproduced.run("uv", "run", "dvc", "repro")) == []


def test_another_number_of_folds_reruns_train_and_evaluate_only(demo: Project) -> None:
    edit(demo / "params.yaml", "folds: 2", "folds: 3")
    assert "train.folds" in demo.run("uv", "run", "dvc", "params", "diff")
    assert stages_run(demo.run("uv", "run", "dvc", "repro", "--dry")) == ["train", "evaluate"]


def test_a_comment_in_the_readme_of_a_data_folder_reruns_nothing(demo: Project) -> None:
    with (demo / "data/raw/README.md").open("a", encoding="utf-8") as file:
        file.write("More.\n")
    assert stages_run(demo.run("uv", "run", "dvc", "repro", "--dry")) == []


def test_a_clone_of_the_committed_project_reproduces_offline(
    tmp_path: Path, light: Project
) -> None:
    clone = light.clone(tmp_path / "clone")
    clone.run("uv", "sync", "--frozen")
    # What evaluate writes is in git, and the same bytes go into it: nothing is left to do there.
    assert stages_run(clone.run("uv", "run", "dvc", "repro", **OFFLINE)) == STAGES[:3]
    assert clone.run("git", "status", "--porcelain") == "", "dvc.lock or a report has changed"


def test_plots_show_the_pictures_and_the_learning_curve(reproduced: Project) -> None:
    reproduced.run("uv", "run", "dvc", "plots", "show")
    page = (reproduced / "dvc_plots/index.html").read_text(encoding="utf-8")
    for name in FIGURES:
        assert name in page
    assert "Mean loss over the folds" in page
    assert "val_loss" in page


def test_the_stages_hang_together(reproduced: Project) -> None:
    drawn = reproduced.run("uv", "run", "dvc", "dag", "--dot")
    for edge in ('"ingest" -> "preprocess"', '"preprocess" -> "train"', '"train" -> "evaluate"'):
        assert edge in drawn


MISTAKES = {
    "an unknown key": (
        lambda project: edit(project / "params.yaml", "  folds: 2", "  foldz: 2"),
        "error: params.yaml: train.foldz: unknown key; did you mean folds?",
    ),
    "an impossible value": (
        lambda project: edit(project / "params.yaml", "  folds: 2", "  folds: 1"),
        "error: params.yaml: train.folds: found 1, which should be greater than or equal to 2",
    ),
    "an unknown candidate": (
        lambda project: edit(project / "params.yaml", "    linear: {", "    lineer: {"),
        "error: params.yaml: train.candidates.lineer: unknown candidate; did you mean linear?",
    ),
    "a missing raw file": (
        lambda project: (project / "data/raw/iris.csv").unlink(),
        "error: data/raw/iris.csv: no such file; that folder holds no table",
    ),
    "an empty raw file": (
        lambda project: (project / "data/raw/iris.csv").write_bytes(b""),
        "error: data/raw/iris.csv: the file is empty",
    ),
    "a raw file without the target": (
        lambda project: edit(project / "data/raw/iris.csv", ",species\n", ",kind\n"),
        "error: data/raw/iris.csv: column 'species' is missing; the contract asks for it;",
    ),
    "a contract with a column too many": (
        lambda project: edit(
            project / "references/schema.yaml",
            "columns:\n",
            "columns:\n  colour: {type: categorical, categories: [red], meaning: colour}\n",
        ),
        "error: data/raw/iris.csv: column 'colour' is missing; the contract asks for it;",
    ),
    "a contract without its target": (
        lambda project: edit(project / "references/schema.yaml", "target: species", "target: kind"),
        "error: references/schema.yaml: target: found 'kind', which is no column",
    ),
}


# The library's tests look at each message; here a stage is seen to pass one on.
@pytest.mark.parametrize(
    "mistake",
    [
        name
        if name in {"an unknown key", "a raw file without the target"}
        else pytest.param(name, marks=pytest.mark.matrix)
        for name in MISTAKES
    ],
)
def test_a_mistake_is_one_line_and_costs_nothing(demo: Project, mistake: str) -> None:
    make, message = MISTAKES[mistake]
    outputs = sorted([*outputs_of(demo)])
    before = {path: path.read_bytes() for path in outputs}
    make(demo)
    result = demo.try_run("uv", "run", "dvc", "repro")
    assert result.returncode != 0
    told = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(told) == 1
    assert told[0].startswith(message)
    assert "Traceback" not in result.stderr
    assert {path: path.read_bytes() for path in sorted(outputs_of(demo))} == before


def outputs_of(project: Project) -> Iterator[Path]:
    """Every file that the stages write."""
    for folder in ("data/interim", "data/processed", "models", "reports"):
        yield from (path for path in (project / folder).rglob("*") if path.is_file())


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("dataset", "metric", "least"), [("diabetes", "r2", 0.3), ("digits", "accuracy", 0.9)]
)
def test_other_data_sets_run_through_the_same_stages(
    tmp_path: Path, ready: Project, dataset: str, metric: str, least: float
) -> None:
    project = ready.equip(bake(tmp_path, dataset=dataset))
    lighten(project)
    if dataset == "digits":
        edit(project / "params.yaml", "    linear: {alpha: 0.01}\n", "")
        edit(project / "params.yaml", "training_sizes: [0.5, 1.0]", "training_sizes: []")
    assert stages_run(project.run("uv", "run", "dvc", "repro")) == STAGES
    metrics = json.loads((project / "reports/metrics.json").read_text(encoding="utf-8"))
    assert metrics[metric] > least
    assert metrics["intervals"][metric][0] > metrics["baseline"]["intervals"][metric][1]
    assert "Data and pipelines are up to date." in project.run(
        "uv", "run", "dvc", "status", "dvc.yaml"
    )
    if dataset == "digits":
        images_come_with_a_keras_network(project)


@pytest.mark.matrix
def test_series_run_through_the_same_stages_and_are_continued(
    tmp_path: Path, ready: Project
) -> None:
    project = ready.equip(bake(tmp_path, dataset="flights"))
    params = project / "params.yaml"
    others = "naive|drift|smoothing|autoregression|combination|recurrent|tcn"
    costly = re.compile(rf"^    ({others}): {{.*\n", re.M)
    text = costly.sub("", params.read_text(encoding="utf-8"))
    params.write_text(text.replace("[0.25, 0.5, 0.75, 1.0]", "[]"), encoding="utf-8", newline="\n")
    assert stages_run(project.run("uv", "run", "dvc", "repro")) == STAGES
    metrics = json.loads((project / "reports/metrics.json").read_text(encoding="utf-8"))
    assert metrics["mase"] < 0.9 * metrics["baseline"]["mase"]
    assert "Data and pipelines are up to date." in project.run(
        "uv", "run", "dvc", "status", "dvc.yaml"
    )
    printed = project.run("uv", "run", "my-project", "predict", "data/raw/flights.csv")
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["day"] for row in rows] == [f"2014-01-{day:02}" for day in range(1, 15)] * 3
    assert all(50 < float(row["prediction"]) < 500 and not row["reason"] for row in rows)


def images_come_with_a_keras_network(project: Project) -> None:
    model = json.loads((project / "models/champion/model.json").read_text(encoding="utf-8"))
    assert model["candidate"] == "cnn"
    assert sorted(model["sha256"]) == ["network.keras", "pipeline.joblib", "profile.json"]
    printed = project.run("uv", "run", "my-project", "predict", "data/raw/digits.zip")
    rows = list(csv.DictReader(io.StringIO(printed)))
    right = [row["file"].split("/")[0] == row["prediction"] for row in rows]
    assert len(rows) == 1797
    assert sum(right) > 0.9 * len(rows)


def blocks_of(project: Project, title: str) -> list[str]:
    """The code blocks of a section of the page on modelling."""
    page = (project / "docs/modelling.md").read_text(encoding="utf-8")
    section = page.partition(f"### {title}\n")[2].partition("\n##")[0]
    return re.findall(r"```\w+\n(.*?)```", section, flags=re.DOTALL)


@pytest.mark.matrix
def test_a_layer_a_feature_and_a_metric_of_ones_own_work_as_the_page_shows_them(
    demo: Project,
) -> None:
    package = demo / "src/my_project"
    network, line = blocks_of(demo, "The layers of a network")
    models = (package / "models/common.py").read_text(encoding="utf-8")
    before, _, _ = models.partition("@candidate\ndef mlp(")  # the last one
    (package / "models/common.py").write_text(before + network, encoding="utf-8", newline="\n")
    short = line.replace("max_epochs: 100", "max_epochs: 2")
    edit(demo / "params.yaml", "    linear: {", f"{short}    linear: {{")

    imports, feature, line = blocks_of(demo, "A feature made of several columns")
    edit(package / "features.py", "from lockstep import Scope, step\n", imports)
    with (package / "features.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\n{feature}")
    edit(demo / "params.yaml", "  columns: {}\n", f"  columns: {{}}\n{line}")

    metric, line, _ = blocks_of(demo, "A metric of your own")
    with (package / "metrics.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\n{metric}")
    edit(demo / "params.yaml", "  metric: log_loss\n", f"  metric: log_loss\n{line}")

    demo.run("uv", "run", "ruff", "check")
    demo.run("uv", "run", "ruff", "format", "--check")
    demo.run("uv", "run", "mypy")
    demo.run("uv", "run", "dvc", "repro", **OFFLINE)
    scores = {row["candidate"]: row for row in read_csv(demo / "reports/leaderboard.csv")}
    assert {"mlp", "linear"} <= scores.keys()
    assert -5 <= float(scores["linear"]["profit_mean"]) <= 2
    metrics = json.loads((demo / "reports/metrics.json").read_text(encoding="utf-8"))
    low, high = metrics["intervals"]["profit"]
    assert low <= metrics["profit"] <= high
    assert metrics["profit"] > metrics["baseline"]["profit"]
    tests = ("tests/test_models.py", "tests/test_features.py", "tests/test_settings.py")
    assert " passed" in demo.run("uv", "run", "pytest", "-n", "auto", *tests)


@pytest.mark.matrix
def test_a_candidate_from_elsewhere_is_a_dependency_a_function_and_a_line(
    tmp_path: Path,
) -> None:
    project = bake(tmp_path)
    page = (project / "docs/modelling.md").read_text(encoding="utf-8")
    section = page.partition("### A candidate from elsewhere\n")[2].partition("\n### ")[0]
    blocks = re.findall(r"```(\w+)\n(.*?)```", section, flags=re.DOTALL)
    assert [language for language, _ in blocks] == ["console", "python", "yaml"]
    command, module, line = [block for _, block in blocks]
    project.run(*command.removeprefix("$ ").split())
    source = project / "src/my_project/models/own.py"
    source.write_text(module, encoding="utf-8", newline="\n")
    edit(project / "params.yaml", "    mlp: {", f"{line}    mlp: {{")
    project.run("uv", "run", "ruff", "check")
    project.run("uv", "run", "ruff", "format", "--check")
    project.run("uv", "run", "pytest", "-n", "auto")
    lighten(project)
    project.run("uv", "run", "dvc", "repro", "train")
    scores = {row["candidate"]: row for row in read_csv(project / "reports/leaderboard.csv")}
    assert list(scores) == ["baseline", "linear", "lightgbm"]
    assert float(scores["lightgbm"]["accuracy_mean"]) > 0.85
    edit(project / "params.yaml", "{leaves: 4}", "{leafs: 4}")
    told = project.try_run("uv", "run", "dvc", "repro").stderr
    assert "lightgbm.leafs: unknown option; did you mean leaves?" in told


@pytest.mark.matrix
def test_the_tests_of_a_project_without_data_pass(tmp_path: Path) -> None:
    assert " passed" in bake(tmp_path, dataset="none").run("uv", "run", "pytest", "-n", "auto")


BOUNDS = {
    "iris": ("accuracy", 0.9, 1.0),
    "diabetes": ("r2", 0.3, 1.0),
    "digits": ("accuracy", 0.97, 1.0),
    "flights": ("mase", 0.0, 1.0),
    "vowels": ("accuracy", 0.95, 1.0),
    "phrases": ("accuracy", 0.9, 1.0),
    "weather": ("injected_precision", 0.5, 1.0),
    "visits": ("d2_poisson", 0.05, 1.0),
    "storms": ("quadratic_kappa", 0.75, 1.0),
    "paintings": ("average_precision", 0.4, 1.0),
    "wines": ("stable_silhouette", 0.2, 0.5),
}
"""The least and the most that a figure of the champion may be."""


@pytest.mark.matrix
@pytest.mark.parametrize("dataset", BOUNDS)
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_every_backend_runs_every_data_set(tmp_path: Path, backend: str, dataset: str) -> None:
    project = bake(tmp_path, keras_backend=backend, dataset=dataset)
    pin_torch(project)
    assert stages_run(project.run("uv", "run", "dvc", "repro")) == STAGES
    metrics = json.loads((project / "reports/metrics.json").read_text(encoding="utf-8"))
    metric, least, most = BOUNDS[dataset]
    assert least < metrics[metric] <= most
    assert " passed" in project.run("uv", "run", "pytest", "-n", "auto")
