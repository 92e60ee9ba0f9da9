"""A person's own data in a generated project, from the file to the prediction."""

import csv
import json
import random
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, OFFLINE, Project
from ruamel.yaml import YAML
from test_pipeline import STAGES, edit, stages_run
from test_workflows import play

REGIONS = ("north", "south", "west")
FEW_CANDIDATES = {"baseline": {}, "linear": {"alpha": 1.0}}


def customers(rows: int, seed: int = 0, **replaced: object) -> list[dict[str, object]]:
    """Made-up customers: the old and those of the west leave more often; some cells lack."""
    draw = random.Random(seed)
    made = []
    for number in range(rows):
        age, region = draw.randint(18, 89), draw.choice(REGIONS)
        leaves = draw.gauss(age, 12) > 55 - 15 * (region == "west")
        made.append(
            {
                "customer_id": f"C{seed}-{number:04}",
                "age": -999 if draw.random() < 0.05 else age,
                "region": region,
                "income": "?" if draw.random() < 0.05 else round(draw.lognormvariate(10, 0.5), 2),
                "since": f"{draw.randint(1, 28):02}.{draw.randint(1, 12):02}.2024",
                "churned": "yes" if leaves else "no",
                **replaced,
            }
        )
    return made


def write(rows: list[dict[str, object]], path: Path, delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def quicken(project: Project) -> None:
    """Leave out the costly candidates, most folds and resamples."""
    yaml = YAML()
    params = yaml.load(project / "params.yaml")
    params["train"]["candidates"] = FEW_CANDIDATES
    params["train"] |= {"folds": 2, "training_sizes": [0.5, 1.0]}
    params["evaluate"]["resamples"] = 20
    yaml.dump(params, project / "params.yaml")


@pytest.fixture(scope="module")
def own(light: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The default project after `use` of a person's file and a run, all committed."""
    home = tmp_path_factory.mktemp("home")
    file = write(customers(300), home / "customers.csv")
    project = Project(light.root)
    start = project.run("git", "rev-parse", "HEAD").strip()
    project.run("uv", "run", "my-project", "use", str(file), "--target", "churned", **OFFLINE)
    quicken(project)
    project.run("uv", "run", "dvc", "repro", **OFFLINE)
    project.commit()
    yield project
    project.run("git", "reset", "--quiet", "--hard", start)
    project.run("git", "clean", "-d", "--force", "--quiet", "data/raw")
    project.run("uv", "run", "dvc", "checkout", "--force", "--quiet")


@pytest.mark.matrix
def test_continuous_integration_fetches_the_data_and_finds_the_same_results(
    own: Project, tmp_path: Path
) -> None:
    theirs = own.copy(tmp_path / "theirs")
    store = ("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    theirs.run("uv", "run", *store)
    theirs.run("uv", "run", "dvc", "push", "data/raw/customers.csv.dvc")
    theirs.commit()
    runner = theirs.clone(tmp_path / "runner")
    compared = "Are the results that are committed those of this code?"
    play(runner, "ci.yml", "results", tmp_path, "push", last=compared)
    assert (runner / "data/raw/customers.csv").read_bytes() == (
        own / "data/raw/customers.csv"
    ).read_bytes()
    assert (runner / "models/champion").exists()


def test_a_persons_file_becomes_a_model_without_an_edit(own: Project) -> None:
    metrics = json.loads((own / "reports/metrics.json").read_text(encoding="utf-8"))
    assert metrics["log_loss"] < metrics["baseline"]["log_loss"]
    assert metrics["roc_auc"] > 0.7
    assert "up to date" in own.run("uv", "run", "dvc", "status", "dvc.yaml")
    assert own.run("git", "status", "--porcelain") == ""
    assert "data/raw/customers.csv" not in own.run("git", "ls-files").split()
    assert not (own / "data/raw/iris.csv").exists()


@pytest.mark.matrix
def test_what_was_made_of_the_file_is_proved_again(own: Project) -> None:
    assert "are the same bytes" in own.run("uv", "run", "my-project", "verify")


def test_predict_holds_new_rows_against_the_contract(own: Project, tmp_path: Path) -> None:
    def predict(path: Path) -> subprocess.CompletedProcess[str]:
        return own.try_run("uv", "run", "my-project", "predict", str(path))

    new = customers(5, seed=1)
    done = predict(write(new, tmp_path / "new.csv"))
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert {row["prediction"] for row in rows} <= {"yes", "no"}
    assert [row["customer_id"] for row in rows] == [row["customer_id"] for row in new]
    told = predict(write(customers(5, seed=1, region="east"), tmp_path / "east.csv"))
    reason = "region is 'east', expected one of north, south, west"
    assert told.returncode == 1
    assert f"no prediction for 5 of 5 rows; first: row 1, {reason}\n" in told.stderr
    assert [row["reason"] for row in csv.DictReader(told.stdout.splitlines())] == [reason] * 5


def deliver(project: Project, rows: list[dict[str, object]]) -> subprocess.CompletedProcess[str]:
    """Drop a second file beside the first and run the pipeline."""
    write(rows, project / "data/raw/february.csv")
    return project.try_run("uv", "run", "dvc", "repro")


@pytest.fixture
def delivery(own: Project) -> Iterator[Project]:
    """The project, without what a test has brought into it."""
    yield own
    own.run("git", "reset", "--quiet", "--hard")
    own.run("git", "clean", "-d", "--force", "--quiet")
    own.run("uv", "run", "dvc", "checkout", "--force", "--quiet")


def of_the_test(project: Project) -> set[str]:
    """The customers of the test set."""
    code = "import pandas; print(*pandas.read_parquet('data/processed/test.parquet').customer_id)"
    return set(project.run("uv", "run", "python", "-c", code).split())


@pytest.mark.matrix
def test_the_next_delivery_leaves_the_test_rows_where_they_are(delivery: Project) -> None:
    before = of_the_test(delivery)
    rows = customers(150, seed=1, loyalty="gold")
    rows[3]["age"], rows[7]["region"] = 999, "east"
    done = deliver(delivery, rows)
    assert done.returncode != 0
    assert "error: data/raw/february.csv: 2 of 150 rows break" in done.stderr
    edit(delivery / "params.yaml", "max_rejected: 0.01", "max_rejected: 0.02")
    done = deliver(delivery, rows)
    assert stages_run(done.stdout) == STAGES
    assert "ingest: 448 rows of 2 files accepted, 2 rejected" in done.stdout
    assert "february.csv: column 'loyalty' is not described, so it is not used" in done.stdout
    assert "february.csv: 'age' breaks the contract in 1 of 150 rows; row 4" in done.stdout
    after = of_the_test(delivery)
    assert {name for name in after if name.startswith("C0-")} == before
    assert {name for name in after if name.startswith("C1-")}


CHANGED = {
    "a column that vanished": (
        [{k: v for k, v in row.items() if k != "income"} for row in customers(9, seed=1)],
        "error: data/raw/february.csv: column 'income' is missing; the contract asks for it",
    ),
    "a column of another type": (
        customers(9, seed=1, age="old"),
        "worst columns: age (9); first: row 1, age is 'old', expected a whole number from",
    ),
    "a delivery that came before": (
        customers(300),
        "error: data/raw/february.csv: 300 of 300 rows break references/schema.yaml",
    ),
}


@pytest.mark.parametrize(
    "change",
    [
        "a column of another type",
        pytest.param("a column that vanished", marks=pytest.mark.matrix),
        pytest.param("a delivery that came before", marks=pytest.mark.matrix),
    ],
)
def test_a_delivery_that_is_not_as_described_is_named(delivery: Project, change: str) -> None:
    rows, expected = CHANGED[change]
    done = deliver(delivery, rows)
    assert done.returncode != 0
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert expected in told


def semicolons(folder: Path) -> list[str]:
    rows = customers(300)
    for row in rows:
        row["income"] = str(row["income"]).replace(".", ",")
        row["größe"] = f"{random.Random(row['customer_id']).uniform(150, 200):.1f}".replace(
            ".", ","
        )
    path = write(rows, folder / "kunden.csv", delimiter=";")
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    return [str(path), "--target", "churned"]


def without_header(folder: Path) -> list[str]:
    path = write(customers(300), folder / "customers.data")
    path.write_text(path.read_text(encoding="utf-8").partition("\n")[2], encoding="utf-8")
    return [str(path), "--target", "column_6"]


def regression_with_gaps(folder: Path) -> list[str]:
    draw, rows = random.Random(0), []
    for _ in range(300):
        area = round(draw.uniform(30, 200), 1)
        price = round(area * 3000 + draw.gauss(0, 30_000))
        gap = draw.random() < 0.15
        rows.append({"area": "" if gap else area, "rooms": draw.randint(1, 6), "price": price})
    return [str(write(rows, folder / "houses.tsv", delimiter="\t")), "--target", "price"]


def time_stamped(folder: Path) -> list[str]:
    draw = random.Random(0)
    rows = [
        {
            "when": f"2024-{n // 28 % 12 + 1:02}-{n % 28 + 1:02} {n % 24:02}:00:00",
            "temperature": (warm := round(draw.gauss(10, 5), 1)),
            "load": round(500 - 9 * warm + draw.gauss(0, 10), 1),
        }
        for n in range(330)
    ]
    return [str(write(rows, folder / "load.csv")), "--target", "load", "--time", "when"]


def grouped(folder: Path) -> list[str]:
    rows = [row | {"patient_id": 100 + n // 6} for n, row in enumerate(customers(300))]
    path = write(rows, folder / "visits.csv")
    return [str(path), "--target", "churned", "--group", "patient_id", "--drop", "customer_id"]


def wide(folder: Path) -> list[str]:
    draw, rows = random.Random(0), []
    for _ in range(120):
        genes = {f"g{n}": round(draw.gauss(0, 1), 3) for n in range(300)}
        rows.append(genes | {"ill": "yes" if genes["g0"] + genes["g1"] > 0 else "no"})
    return [str(write(rows, folder / "genes.csv")), "--target", "ill"]


def folder_of_months(folder: Path) -> list[str]:
    (folder / "months").mkdir()
    for month in (1, 2):
        write(customers(150, seed=month), folder / "months" / f"{month}.csv")
    return [str(folder / "months"), "--target", "churned"]


def json_lines(folder: Path) -> list[str]:
    lines = [json.dumps(row) + "\n" for row in customers(300)]
    path = folder / "customers.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return [str(path), "--target", "churned"]


def images(folder: Path) -> list[str]:
    """Squares that are dark above or below, as bitmaps, which need no library to write."""
    draw = random.Random(0)
    head = b"BM" + (1146).to_bytes(4, "little") + bytes(4) + (1078).to_bytes(4, "little")
    head += (40).to_bytes(4, "little") + (8).to_bytes(4, "little") * 2
    head += (1).to_bytes(2, "little") + (8).to_bytes(2, "little") + bytes(24)
    palette = b"".join(bytes([shade, shade, shade, 0]) for shade in range(256))
    with zipfile.ZipFile(folder / "squares.zip", "w") as archive:
        for number in range(120):
            name = ("above", "below")[number % 2]
            light = [draw.randint(150, 255) for _ in range(32)]
            dark = [draw.randint(0, 100) for _ in range(32)]
            pixels = bytes(dark + light if name == "above" else light + dark)
            archive.writestr(f"{name}/{number}.bmp", head + palette + pixels)
    return [str(folder / "squares.zip")]


SHAPES: list[Callable[[Path], list[str]]] = [
    *(semicolons, without_header, regression_with_gaps, time_stamped, grouped, wide),
    *(folder_of_months, json_lines, images),
]


@pytest.mark.matrix
@pytest.mark.parametrize("shape", SHAPES)
def test_files_of_many_shapes_run_with_the_settings_that_use_chose(
    demo: Project, tmp_path: Path, shape: Callable[[Path], list[str]]
) -> None:
    words = shape(tmp_path)
    demo.run("uv", "run", "my-project", "use", *words)
    assert stages_run(demo.run("uv", "run", "dvc", "repro", **OFFLINE)) == STAGES
    metrics = json.loads((demo / "reports/metrics.json").read_text(encoding="utf-8"))
    key = "rmse" if "rmse" in metrics else "log_loss"
    assert metrics[key] < metrics["baseline"][key]
    before = demo.run("git", "status", "--porcelain")
    assert "nothing was changed" in demo.run("uv", "run", "my-project", "use", *words)
    assert demo.run("git", "status", "--porcelain") == before
    assert "up to date" in demo.run("uv", "run", "dvc", "status", "dvc.yaml")
    if Path(words[0]).is_file():
        predicted = demo.run("uv", "run", "my-project", "predict", words[0])
        assert len(predicted.splitlines()) > 100


@pytest.mark.matrix
@pytest.mark.parametrize("tenths", range(1, 36))
def test_a_use_that_is_killed_leaves_the_old_state_or_the_new_one(
    demo: Project, tmp_path: Path, tenths: int
) -> None:
    file = write(customers(3000), tmp_path / "customers.csv")
    command = ["use", str(file), "--target", "churned"]
    before = state(demo)
    process = subprocess.Popen(
        [demo / ".venv/bin/my-project", *command],
        cwd=demo.root,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(timeout=tenths / 10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if not list(demo.root.glob(".use.tmp/journal.json")):
        new = (demo / "data/raw/customers.csv").exists()
        assert new == (state(demo) != before)
    demo.run("uv", "run", "my-project", *command)
    assert not (demo / ".use.tmp").exists()
    assert sorted(state(demo)) == sorted(
        {*before, "data/raw/.gitignore", "data/raw/customers.csv", "data/raw/customers.csv.dvc"}
        - {"data/raw/iris.csv"}
    )
    assert "target: churned" in (demo / "references/schema.yaml").read_text(encoding="utf-8")
    assert "raw: data/raw\n" in (demo / "params.yaml").read_text(encoding="utf-8")


def state(project: Project) -> dict[str, bytes]:
    """What `use` may change."""
    files = [*project.root.glob("data/raw/*"), *project.root.glob("data/raw/.gitignore")]
    files += [project / "params.yaml", project / "references/schema.yaml"]
    return {path.relative_to(project.root).as_posix(): path.read_bytes() for path in files}
