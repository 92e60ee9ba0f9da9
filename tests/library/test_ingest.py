"""Setting rows aside that break the contract."""

import hashlib
import json

import pandas as pd
import pytest
from conftest import CONTRACT, fill_disk, run_stage, write_params
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.files import sha256
from lockstep.core.project import Project
from lockstep.reading.check import check_raw, check_rows, tabulate_rejected
from lockstep.reading.tally import RawBatch


def test_a_row_that_breaks_the_contract_is_kept_with_its_reason(
    contract: Contract, fruit: pd.DataFrame
) -> None:
    raw = fruit.astype("str")
    raw.loc[3, ["weight", "colour"]] = ["heavy", "blue"]
    batch = RawBatch(raw, "data/raw/fruit.csv", above=100)
    _, breaches, accepted = check_rows(batch, contract)
    rejected = tabulate_rejected(batch, breaches, list(raw))
    assert len(accepted) == 59
    assert rejected["column"].tolist() == ["weight", "colour"]
    assert rejected["row"].tolist() == [104, 104]
    assert rejected["file"].tolist() == ["data/raw/fruit.csv"] * 2
    assert rejected["raw_weight"].tolist() == ["heavy", "heavy"]


def test_columns_that_the_contract_does_not_describe_are_reported(project: Project) -> None:
    raw = project.root / "data" / "raw" / "fruit.csv"
    pd.read_csv(raw).assign(note="ripe").to_csv(raw, index=False)
    run_stage("ingest")
    assert json.loads(project.ingest_report.read_text())["ignored_columns"] == ["note"]
    assert "note" not in pd.read_parquet(project.dataset).columns


def test_the_report_counts_what_was_rejected(project: Project) -> None:
    write_params(project, data={"raw": "data/raw/fruit.csv", "max_rejected": 0.1})
    break_rows(project, 2)
    run_stage("ingest")
    report = json.loads(project.ingest_report.read_text())
    assert (report["rows"], report["accepted"], report["rejected"]) == (60, 58, 2)
    weights = pd.read_parquet(project.dataset)["weight"]
    assert report["columns"]["weight"] == {
        "missing": 0,
        "breaches": 2,
        "smallest": weights.min(),
        "largest": weights.max(),
    }
    assert report["columns"]["colour"] == {"missing": 0, "breaches": 0}
    digest = sha256(project.root / "data/raw/fruit.csv")
    assert report["files"] == {"data/raw/fruit.csv": {"rows": 60, "rejected": 2, "sha256": digest}}
    assert report["sha256"] == digest
    assert pd.read_parquet(project.rejected)["value"].tolist() == ["heavy", "heavy"]


def test_too_many_rejected_rows_stop_the_stage_and_leave_its_outputs(project: Project) -> None:
    run_stage("ingest")
    before = project.dataset.read_bytes()
    break_rows(project, 2)
    with pytest.raises(UserError) as error:
        run_stage("ingest")
    assert "2 of 60 rows break references/schema.yaml" in str(error.value)
    assert "row 1, weight is 'heavy', expected a number from 0 to 500 g" in str(error.value)
    assert project.dataset.read_bytes() == before


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e999", "nan"])
def test_a_number_that_is_not_finite_is_set_aside(
    contract: Contract, fruit: pd.DataFrame, value: str
) -> None:
    raw = fruit.astype("str")
    raw.loc[3, "weight"] = value
    _, breaches, accepted = check_rows(RawBatch(raw, "data/raw/fruit.csv"), contract)
    assert len(accepted) == 59
    assert breaches[["row", "value"]].to_numpy().tolist() == [[4, value]]


@pytest.fixture
def deliveries(project: Project) -> Project:
    """Two files of 60 rows in data/raw, beside what is no data; three rows of one are broken."""
    raw = project.root / "data" / "raw"
    write_params(project, data={"raw": "data/raw", "max_rejected": 0.05})
    (raw / "later").mkdir()
    (raw / "fruit.csv").rename(raw / "later" / "b.csv")
    frame = pd.read_csv(raw / "later" / "b.csv")[["fruit", "colour", "seeds", "weight"]]
    frame.assign(weight=frame["weight"] + 1).to_csv(raw / "a.csv", index=False)
    for name in ("README.md", ".gitignore", "a.csv.dvc", "half.tmp"):
        (raw / name).write_text("no data")
    break_rows(project, 3, "later/b.csv")
    return project


def test_all_files_of_the_folder_are_read_in_the_order_of_their_names(deliveries: Project) -> None:
    run_stage("ingest")
    report = json.loads(deliveries.ingest_report.read_text())
    digests = [sha256(deliveries.root / name) for name in report["files"]]
    assert report["files"] == {
        "data/raw/a.csv": {"rows": 60, "rejected": 0, "sha256": digests[0]},
        "data/raw/later/b.csv": {"rows": 60, "rejected": 3, "sha256": digests[1]},
    }
    assert (report["rows"], report["accepted"]) == (120, 117)
    assert report["sha256"] == hashlib.sha256("\n".join(digests).encode()).hexdigest()
    rejected = pd.read_parquet(deliveries.rejected)
    assert rejected["file"].tolist() == ["data/raw/later/b.csv"] * 3
    assert rejected["row"].tolist() == [1, 2, 3]
    weights = pd.read_parquet(deliveries.dataset)["weight"]
    assert weights[60:].tolist() == (weights[3:60] - 1).tolist()


def test_batches_have_the_same_columns_whether_or_not_rows_are_rejected(
    deliveries: Project,
) -> None:
    accepted, rejected = zip(*check_raw(deliveries), strict=True)
    assert {tuple(frame) for frame in accepted} == {("weight", "seeds", "colour", "fruit")}
    assert [len(frame) for frame in rejected] == [0, 3]
    assert len({tuple(frame) for frame in rejected}) == 1


def test_a_file_of_broken_rows_is_not_hidden_among_good_ones(deliveries: Project) -> None:
    break_rows(deliveries, 4, "later/b.csv")
    with pytest.raises(UserError, match=r"^data/raw/later/b\.csv: 4 of 60 rows break"):
        run_stage("ingest")


def test_a_file_that_lacks_a_column_is_named(deliveries: Project) -> None:
    path = deliveries.root / "data" / "raw" / "a.csv"
    pd.read_csv(path).drop(columns="colour").to_csv(path, index=False)
    with pytest.raises(UserError, match=r"^data/raw/a\.csv: column 'colour' is missing"):
        run_stage("ingest")


def test_a_folder_without_data_is_told(deliveries: Project) -> None:
    for path in (deliveries.root / "data" / "raw").rglob("*.csv"):
        path.unlink()
    with pytest.raises(UserError, match=r"^data/raw: no data there; the command `use`"):
        run_stage("ingest")


def test_what_deviates_is_told_by_file_and_column(
    deliveries: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deliveries.root / "data" / "raw" / "a.csv"
    pd.read_csv(path).assign(note="ripe").to_csv(path, index=False)
    run_stage("ingest")
    printed = capsys.readouterr().out
    assert "data/raw/a.csv: column 'note' is not described, so it is not used" in printed
    assert "data/raw/later/b.csv: 'weight' breaks the contract in 3 of 60 rows; row 1" in printed


def test_a_column_that_the_contract_drops_is_not_reported(project: Project) -> None:
    raw = project.root / "data" / "raw" / "fruit.csv"
    pd.read_csv(raw).assign(note="ripe").to_csv(raw, index=False)
    content = json.loads(project.contract_file.read_text()) | {"drop": ["note"]}
    project.contract_file.write_text(json.dumps(content))
    run_stage("ingest")
    assert json.loads(project.ingest_report.read_text())["ignored_columns"] == []
    assert "note" not in pd.read_parquet(project.dataset)


def break_rows(project: Project, count: int, name: str = "fruit.csv") -> None:
    raw = project.root / "data" / "raw" / name
    frame = pd.read_csv(raw, dtype="str")
    frame.loc[: count - 1, "weight"] = "heavy"
    frame.to_csv(raw, index=False)


def test_numbers_beyond_those_seen_before_are_named_also_within_the_range(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = CONTRACT["columns"]
    seen = columns | {
        "weight": columns["weight"] | {"seen": [0, 450], "missing": ["499"], "nullable": True}
    }
    project.contract_file.write_text(json.dumps(CONTRACT | {"columns": seen}))
    raw = project.root / "data" / "raw" / "fruit.csv"
    frame = pd.read_csv(raw, dtype="str")
    frame.loc[:2, "weight"] = ["480", "451", "499"]
    frame.to_csv(raw, index=False)
    beyond = (pd.to_numeric(frame["weight"]) > 450).sum() - 1
    run_stage("ingest")
    printed = capsys.readouterr().out
    assert f"'weight' has drifted: {beyond} rows are beyond 0 to 450" in printed


def test_a_file_beside_the_one_that_is_read_is_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.raw / "more.csv").write_text("a,b\n1,2\n")
    run_stage("ingest")
    assert (
        "ingest: data/raw/more.csv is not read: params.yaml names data/raw/fruit.csv\n"
        in capsys.readouterr().out
    )


def test_a_delivery_that_dvc_does_not_keep_is_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(project, data={"raw": "data/raw", "max_rejected": 0.01})
    first = project.raw / "fruit.csv"
    (project.raw / "fruit.csv.dvc").write_text("outs: []\n")
    (project.raw / "later.csv").write_bytes(first.read_bytes())
    run_stage("ingest")
    printed = capsys.readouterr().out
    assert "ingest: 120 rows of 2 files accepted" in printed
    assert "data/raw/later.csv is not kept by DVC, as others are: `uv run dvc add`" in printed


def test_a_column_of_whole_numbers_may_lack_them_all(project: Project) -> None:
    raw = project.raw / "fruit.csv"
    pd.read_csv(raw).assign(seeds=None).to_csv(raw, index=False)
    run_stage("ingest")
    report = json.loads(project.ingest_report.read_text())
    assert report["columns"]["seeds"] == {"missing": 60, "breaches": 0}
    seeds = pd.read_parquet(project.dataset)["seeds"]
    assert seeds.dtype == "Int64"
    assert seeds.isna().all()


def test_marks_of_missing_values_count_in_json_too(project: Project) -> None:
    (project.raw / "fruit.csv").unlink()
    write_params(project, data={"raw": "data/raw/fruit.json", "max_rejected": 0})
    rows = [
        {"weight": 100.5, "seeds": seeds, "colour": " red", "fruit": "apple"}
        for seeds in ("NA", 3, " ", "4", None)
    ]
    (project.raw / "fruit.json").write_text(json.dumps(rows))
    run_stage("ingest")
    rows = pd.read_parquet(project.dataset)
    assert rows["seeds"].isna().tolist() == [True, False, True, False, True]
    assert rows["colour"].tolist() == ["red"] * 5


def test_an_undescribed_column_without_values_is_not_worth_a_line(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = project.raw / "fruit.csv"
    pd.read_csv(raw).assign(note=None).to_csv(raw, index=False)
    run_stage("ingest")
    assert "note" not in capsys.readouterr().out
    assert json.loads(project.ingest_report.read_text())["ignored_columns"] == ["note"]


def test_neither_file_is_written_when_the_last_of_one_cannot_be(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_params(project, data={"raw": "data/raw/fruit.csv", "max_rejected": 0.2})
    run_stage("ingest")
    before = [path.read_bytes() for path in (project.dataset, project.rejected)]
    break_rows(project, 3)
    fill_disk(monkeypatch, "dataset")
    with pytest.raises(OSError, match="No space left"):
        run_stage("ingest")
    assert [path.read_bytes() for path in (project.dataset, project.rejected)] == before


def test_rejected_rows_keep_all_cells_also_those_that_one_file_alone_has(
    deliveries: Project,
) -> None:
    raw = deliveries.raw
    frame = pd.read_csv(raw / "a.csv", dtype="str").assign(note="ripe")
    frame.to_csv(raw / "a.csv", index=False)
    frame = frame.drop(columns="note").assign(shade="dark")
    frame.loc[0, "weight"] = "light"
    frame.to_csv(raw / "c.csv", index=False)
    run_stage("ingest")
    rejected = pd.read_parquet(deliveries.rejected)
    assert rejected["raw_shade"].tolist()[:1] == ["dark"]
    assert rejected["raw_note"].isna().all()
    assert rejected["raw_shade"].isna().tolist() == [False, True, True, True]
    assert set(rejected.dtypes.astype("str")) == {"str", "int64"}
