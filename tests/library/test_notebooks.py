"""Notebooks: how they are named, kept without outputs, and run as stages."""

import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
from conftest import TEMPLATE, read_stages, run_stage, run_stages, write_params
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.docs.notebooks import describe, run_notebook, run_notebooks
from matplotlib.figure import Figure
from nbformat import v4

INITIALS = "{{ cookiecutter.__author_initials }}"
PACKAGE = "{{ cookiecutter.package_name }}"
IMPORTS = re.compile(r"^from lockstep.*$", flags=re.MULTILINE)
DOTTED = re.compile(r"[\w.]+")
PATHS = {
    path.name.replace(INITIALS, "ab"): path
    for path in sorted((TEMPLATE / "notebooks").glob("*.ipynb"))
}
STAGES = read_stages("notebooks/dvc.yaml")
OTHERS = {"jinja2", "openpyxl", "sqlalchemy"}
"""Libraries that neither predict nor draw."""
slow = pytest.mark.matrix


@pytest.mark.parametrize("name", PATHS)
def test_a_notebook_has_a_stage_of_its_name_that_runs_it(name: str) -> None:
    stage = STAGES.get(describe(name))
    assert stage, f"notebooks/dvc.yaml: add a stage {describe(name)}, like those that are there"
    assert stage["cmd"].endswith(f" notebooks/{name}")
    assert f"notebooks/{name}" in stage["deps"]
    assert [*stage["outs"][0]] == [f"reports/notebooks/{name}"]


def test_every_stage_runs_a_notebook_that_is_there() -> None:
    assert {*STAGES} == {describe(name) for name in PATHS}


@pytest.mark.parametrize("stage", STAGES)
def test_a_notebook_that_predicts_runs_again_when_what_predicts_is_another(stage: str) -> None:
    def libraries(params: list) -> set[str]:
        (entry,) = [entry for entry in params if "environment.yaml" in entry]
        return {*entry["environment.yaml"]}

    evaluate = read_stages("dvc.yaml")["evaluate"]
    params = STAGES[stage]["params"]
    if "models/champion" in STAGES[stage]["deps"]:
        assert "keras_backend" in params
        assert "reproducibility" in params
        assert libraries(params) == libraries(evaluate["params"]) - OTHERS
    else:
        needed = {"python", "numpy", "pandas", "pyarrow", "pillow", "matplotlib"}
        assert libraries(params) - {"scipy"} == needed


def read_code(name: str) -> str:
    """The cells of code of a notebook, one after another."""
    cells = nbformat.read(PATHS[name], as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def list_calls(code: str) -> Iterator[tuple[ast.Call, Callable[..., Any]]]:
    """The calls of what a notebook imports from the library, and what each of them calls."""
    names: dict[str, Any] = {}
    for line in IMPORTS.findall(code):
        exec(line, names)
    for call in ast.walk(ast.parse(code.replace(PACKAGE, "package"))):
        if isinstance(call, ast.Call):
            function = ast.unparse(call.func)
            if DOTTED.fullmatch(function) and function.partition(".")[0] in names:
                yield call, eval(function, names)


@pytest.mark.parametrize("name", PATHS)
def test_a_notebook_calls_the_library_with_the_arguments_that_it_takes(name: str) -> None:
    calls = [*list_calls(read_code(name))]
    assert calls
    for call, function in calls:
        places = [one for one in call.args if not isinstance(one, ast.Starred)]
        keywords = {one.arg: one.value for one in call.keywords if one.arg}
        is_whole = len(places) + len(keywords) == len(call.args) + len(call.keywords)
        signature = inspect.signature(function)
        bind = signature.bind if is_whole else signature.bind_partial
        try:
            bind(*places, **keywords)
        except TypeError as error:
            pytest.fail(f"{name}: {ast.unparse(call)}: {error}")


@pytest.mark.usefixtures("importable")
def test_ordered_columns_are_explored_in_their_order(project: Project) -> None:
    about = json.loads(project.contract_file.read_text())
    about["columns"]["fruit"] |= {"type": "ordered", "categories": ["melon", "apple"]}
    about["columns"]["colour"] |= {"type": "ordered", "categories": ["red", "green"]}
    project.contract_file.write_text(json.dumps(about))
    for stage in ("ingest", "preprocess"):
        run_stage(stage)
    plt.close("all")
    with plt.rc_context(), pd.option_context("display.max_colwidth", None):
        exec(read_code("1.0-ab-data-exploration.ipynb"), {"display": str})
    target, features = (plt.figure(number) for number in plt.get_fignums())
    plt.close("all")
    (bars,) = target.axes
    assert [label.get_text() for label in bars.get_yticklabels()][::-1] == ["melon", "apple"]
    _, _, colour = features.axes
    assert [label.get_text() for label in colour.get_xticklabels()] == ["red", "green"]
    for axes in features.axes:
        told = [text.get_text() for text in axes.get_legend().get_texts()]
        assert told == ["melon", "apple"]


CLASSES = {"categories": ["melon", "apple"], "meaning": "kind"}
REVIEWED = {
    "labels": ("multilabel", "log_loss", "fruit", {"type": "labels", **CLASSES}),
    "order": ("classification", "log_loss", "fruit", {"type": "ordered", **CLASSES}),
    "counts": ("regression", "poisson_deviance", "seeds", {}),
}
FIGURES = {
    "labels": "Precision and recall of each label",
    "order": "By how many classes predictions are off",
    "counts": "Are means of seeds right, by tenths of the prediction?",
}


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize(
    "case", ["counts", *(pytest.param(name, marks=slow) for name in ("labels", "order"))]
)
def test_a_model_is_reviewed_by_the_figures_of_its_kind(
    project: Project, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    kind, metric, target, column = REVIEWED[case]
    about = json.loads(project.contract_file.read_text()) | {"target": target}
    about["columns"][target] |= column
    project.contract_file.write_text(json.dumps(about))
    train = {"metric": metric, "folds": 2, "candidates": {"baseline": {}}}
    write_params(project, kind=kind, train=train)
    run_stages()
    shown: list[object] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    with plt.rc_context(), pd.option_context("display.max_colwidth", None):
        exec(read_code("2.0-ab-model-review.ipynb").replace(PACKAGE, "owner"), {})
    plt.close("all")
    figures = [each for each in shown if isinstance(each, Figure)]
    assert figures[0].axes[0].get_title(loc="left") == FIGURES[case]


@pytest.mark.parametrize("name", PATHS)
def test_a_notebook_begins_with_its_title(name: str) -> None:
    first = nbformat.read(PATHS[name], as_version=4).cells[0]
    assert (first.cell_type, first.source[:2]) == ("markdown", "# "), (
        f"notebooks/{name}: begin it with a cell of Markdown whose first line is `# <its title>`; "
        "the documentation lists it by that"
    )


@pytest.mark.parametrize("name", PATHS)
def test_what_a_notebook_imports_from_the_library_is_there(name: str) -> None:
    lines = IMPORTS.findall(read_code(name))
    assert lines
    for line in lines:
        exec(line, {})


@pytest.mark.parametrize("name", PATHS)
def test_a_notebook_is_kept_without_outputs(name: str) -> None:
    notebook = nbformat.read(PATHS[name], as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs"), (
            f"notebooks/{name}: run `uv run nbstripout notebooks/{name}`"
        )
        assert cell.get("execution_count") is None


WRONG = [
    "analysis.ipynb",
    "1.0-AB-look.ipynb",
    "1.0-ab.ipynb",
    "1.0-ab-a look.ipynb",
    "1.0-ab-Look.ipynb",
]
RIGHT = ["1.0-ab-look.ipynb", "2-abc-a-look-at-2026.ipynb", "10.12-x-y.ipynb"]


@pytest.mark.parametrize("name", WRONG)
def test_another_name_is_told_with_what_would_do(name: str) -> None:
    with pytest.raises(UserError) as error:
        describe(name)
    assert f"notebooks/{name}: a notebook is named <number>-<initials>-" in str(error.value)
    assert "rename it with git mv" in str(error.value)


@pytest.mark.parametrize("name", RIGHT)
def test_what_a_name_says_is_the_name_of_its_stage(name: str) -> None:
    assert name.endswith(f"-{describe(name)}.ipynb")


def test_every_name_that_will_not_do_is_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.notebooks.mkdir()
    for name in RIGHT:
        (project.notebooks / name).touch()
    run_notebooks([])
    assert "3 notebooks, each named as it should be" in capsys.readouterr().out
    for name in ("Review.ipynb", "x.ipynb", "3.0-cd-look.ipynb"):
        (project.notebooks / name).touch()
    with pytest.raises(UserError) as error:
        run_notebooks([])
    told = str(error.value).splitlines()
    assert [line.partition(":")[0] for line in told] == [
        *("notebooks/3.0-cd-look.ipynb", "notebooks/Review.ipynb", "notebooks/x.ipynb")
    ]
    assert "1.0-ab-look.ipynb has the same description, which names its stage" in told[0]


def write(project: Project, *cells: str) -> Path:
    """A notebook of these cells of code, after one of text."""
    path = project.notebooks / "1.0-ab-look.ipynb"
    path.parent.mkdir(exist_ok=True)
    (path.parent / "dvc.yaml").write_text("stages: {}")
    codes = [v4.new_code_cell(cell, id=str(number)) for number, cell in enumerate(cells)]
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# A look", id="text"), *codes])
    nbformat.write(notebook, path)
    return path


def test_a_notebook_is_run_from_its_top_in_its_folder_and_kept_with_its_outputs(
    project: Project,
) -> None:
    path = write(project, "import os\nhere = os.getcwd()", "print(here)", "6 * 7")
    before = path.read_bytes()
    output = run_notebook(project, path)
    assert output == project.root / "reports/notebooks/1.0-ab-look.ipynb"
    cells = nbformat.read(output, as_version=4).cells
    assert cells[2].outputs[0].text == f"{project.notebooks}\n"
    assert cells[3].outputs[0].data["text/plain"] == "42"
    assert nbformat.read(output, as_version=4).metadata == {}
    assert path.read_bytes() == before


@pytest.mark.matrix
def test_another_run_gives_the_same_bytes(project: Project) -> None:
    path = write(
        project,
        "import pandas as pd\nimport matplotlib.pyplot as plt",
        'pd.DataFrame({"a": [1, 2]})',
        "plt.plot([1, 2]);",
    )
    first = run_notebook(project, path).read_bytes()
    assert b"image/png" in first
    assert run_notebook(project, path).read_bytes() == first


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("x = 1\n\nx / 0", "cell 3, line 3, `x / 0`: ZeroDivisionError: division by zero"),
        ("def f():\n    return y\n\nf()", "cell 3, line 4, `f()`: NameError: name 'y' is not"),
        (
            "import matplotlib.pyplot as plt\nplt.plot([1])\n1 / 0",
            "cell 3, line 3, `1 / 0`: ZeroDivisionError: division by zero",
        ),
        ("print('so far')\n1 / 0", "cell 3, line 2, `1 / 0`: ZeroDivisionError"),
        ("x ==== 1", "cell 3, line 1, `x ==== 1`: SyntaxError: invalid syntax"),
        (
            "from lockstep import Project\nproject = Project.find()\n"
            "project.require(project.train)",
            "line 3, `project.require(project.train)`: data/processed/train.parquet: "
            "not there yet; `dvc repro preprocess` makes it",
        ),
    ],
)
def test_a_failing_cell_is_told_with_its_line_and_error(
    project: Project, cell: str, expected: str
) -> None:
    path = write(project, "1", cell, "2")
    with pytest.raises(UserError) as error:
        run_notebook(project, path)
    assert str(error.value).startswith("notebooks/1.0-ab-look.ipynb, cell 3, ")
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert not project.executed_notebooks.exists()


def test_a_cell_that_may_fail_is_not_taken_for_the_one_that_must_not(project: Project) -> None:
    path = write(project, "1 / 0", "x = y")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata.tags = ["raises-exception"]
    nbformat.write(notebook, path)
    with pytest.raises(UserError, match=r"cell 3, line 1, `x = y`: NameError"):
        run_notebook(project, path)


def test_a_notebook_saved_with_another_kernel_runs_in_the_projects_environment(
    project: Project,
) -> None:
    path = write(project, "import sys\nprint(sys.executable)")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.kernelspec = {"name": "conda-env-x", "display_name": "X"}
    nbformat.write(notebook, path)
    cells = nbformat.read(run_notebook(project, path), as_version=4).cells
    assert cells[1].outputs[0].text == f"{sys.executable}\n"


def test_a_failure_keeps_what_the_last_good_run_gave(project: Project) -> None:
    output = run_notebook(project, write(project, "1"))
    before = output.read_bytes()
    with pytest.raises(UserError):
        run_notebook(project, write(project, "1 / 0"))
    assert output.read_bytes() == before


def test_a_kernel_that_dies_is_told(project: Project) -> None:
    path = write(project, "import os\nos._exit(1)")
    with pytest.raises(UserError, match="its kernel died; it may have run out of memory"):
        run_notebook(project, path)


@pytest.mark.parametrize("content", ["", "{}", "not json"])
def test_a_file_that_is_no_notebook_is_told(project: Project, content: str) -> None:
    path = write(project, "1")
    path.write_text(content)
    with pytest.raises(UserError, match="not a notebook that can be read"):
        run_notebook(project, path)


def test_a_notebook_that_is_saved_while_it_runs_is_told(project: Project) -> None:
    path = write(project, "import os\nos.utime('1.0-ab-look.ipynb')")
    (project.notebooks / "dvc.yaml").write_text(
        "stages: {look: {cmd: x, deps: [notebooks/1.0-ab-look.ipynb]}}"
    )
    with pytest.raises(UserError) as error:
        run_notebook(project, path)
    assert str(error.value).startswith("look: notebooks/1.0-ab-look.ipynb changed while")
    assert str(error.value).endswith("; `dvc repro notebooks/dvc.yaml` runs it again")
