"""The command line, and how it comes to the owner's code."""

import subprocess
import sys

import pytest
from lockstep.commands.cli import main
from lockstep.core.errors import UserError
from lockstep.core.own import import_own
from lockstep.core.project import Project


def test_a_stage_of_the_owners_package_runs_by_its_name(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest"]) == 0
    assert project.dataset.exists()
    assert capsys.readouterr().out.startswith("ingest: 60 rows accepted")


@pytest.mark.usefixtures("project")
def test_a_mistake_is_one_line_and_with_debug_its_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["preprocess"]) == 1
    expected = "data/interim/dataset.parquet: not there yet; `dvc repro ingest` makes it"
    assert capsys.readouterr().err == f"error: {expected}\n"
    with pytest.raises(UserError, match="not there yet"):
        main(["--debug", "preprocess"])


@pytest.mark.parametrize(
    ("arguments", "expected", "command"),
    [
        ([], "the following arguments are required: COMMAND", "my-project"),
        (["guess"], "argument COMMAND: invalid choice: 'guess' (choose from ", "my-project"),
        (["--guess", "runs"], "unrecognized arguments: --guess", "my-project"),
        (["use", "a", "b", "--evry", "day"], "unrecognized arguments: b", "my-project use"),
        (["use", "a", "--horizon", "0"], "argument --horizon: found '0'; a ", "my-project use"),
        (["predict", "--guess"], "the following arguments are required: f", "my-project predict"),
    ],
)
def test_a_command_line_that_cannot_be_read_is_told_in_a_line_and_ends_with_2(
    arguments: list[str],
    expected: str,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["my-project"])
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {expected}")
    assert line.endswith(f"; `{command} --help` says what it takes")


@pytest.mark.parametrize("command", ["ingest", "use", "predict", "verify", "doctor"])
def test_each_command_says_what_it_is_for(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert "usage: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "pyproject.toml: tool.lockstep.package: missing; it gives the name of your package"),
        ("tool = 1", "pyproject.toml: tool.lockstep.package: missing"),
        ("[tool.lockstep]\npackage = 1", "pyproject.toml: tool.lockstep.package: missing"),
        ("[tool", "pyproject.toml: not valid TOML: "),
        ('[tool.lockstep]\npackage = "fruit"', "src/fruit/ingest.py: cannot be imported; "),
        (None, "pyproject.toml: cannot be read: No such file or directory"),
    ],
)
def test_a_package_that_is_not_named_or_not_there_is_told(
    project: Project, content: str | None, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pyproject = project.root / "pyproject.toml"
    pyproject.unlink() if content is None else pyproject.write_text(content)
    assert main(["ingest"]) == 1
    assert capsys.readouterr().err.startswith(f"error: {expected}")


def test_what_the_owners_code_lacks_itself_is_not_taken_for_the_code(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "fruit").mkdir()
    (project.root / "fruit/train.py").write_text("import lightgbm_that_is_not_there")
    (project.root / "pyproject.toml").write_text('[tool.lockstep]\npackage = "fruit"')
    monkeypatch.syspath_prepend(project.root)
    with pytest.raises(ModuleNotFoundError, match="lightgbm_that_is_not_there"):
        import_own(project, "train")


def test_a_stage_without_its_function_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.root / "apples").mkdir()
    (project.root / "apples/ingest.py").write_text("")
    (project.root / "pyproject.toml").write_text('[tool.lockstep]\npackage = "apples"')
    monkeypatch.syspath_prepend(project.root)
    assert main(["ingest"]) == 1
    assert "src/apples/ingest.py: has no function `ingest` to run" in capsys.readouterr().err


def test_output_that_nobody_reads_to_its_end_is_no_success() -> None:
    code = (
        "import sys; from lockstep.core.errors import exit_status\n"
        "sys.exit(exit_status(lambda: [print('line', flush=True) for _ in range(10**6)]))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait() == 141
