"""The pages of the documentation that are made from the project."""

import json
import os
import re
import subprocess

import pytest
from conftest import LIBRARY, OWNER, PARAMS, TEMPLATE
from lockstep.core.errors import UserError
from lockstep.core.params import Params
from lockstep.core.project import Project
from lockstep.docs import pipeline
from lockstep.docs.copies import NO_DECISIONS, decision_pages, notebook_pages
from lockstep.docs.dictionary import dictionary_page
from lockstep.docs.parameters import parameters_page, read_arguments
from lockstep.docs.pipeline import pipeline_page
from lockstep.docs.results import _describe_commit, results_page
from lockstep.docs.write import write_pages
from lockstep.modeling.candidates import CANDIDATES
from lockstep.modeling.steps import STEPS

STAGES = {
    "last": {"deps": ["b/c"], "metrics": [{"m.json": {"cache": False}}]},
    "first": {"desc": "Start <here>", "outs": ["a"]},
    "middle": {"deps": ["a", "src/x.py"], "outs": [{"b": {"persist": True}}]},
}


def row(text: str, first: str) -> list[str]:
    """The cells of the table's row that begins with `first`."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def keys(content: dict, above: str = "") -> set[str]:
    names = set()
    for name, value in content.items():
        names.add(f"{above}{name}")
        if isinstance(value, dict) and name in Params.model_fields:
            names |= keys(value, f"{above}{name}.")
    return names


def test_the_page_on_modelling_tells_every_step_for_tables_and_texts() -> None:
    page = (TEMPLATE / "docs/modelling.md").read_text(encoding="utf-8")
    files = [OWNER / "features.py", LIBRARY / "modeling/text_steps.py"]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    steps = re.findall(r"^@step.*\ndef (\w+)", code, flags=re.MULTILINE)
    assert "one_hot" in steps
    for name in steps:
        assert re.search(rf"^\| `{name}[`:]", page, flags=re.MULTILINE), name


def test_every_key_of_params_yaml_is_told_with_its_meaning(project: Project) -> None:
    text = parameters_page(project)
    keys_table = text.partition("\n|")[2].partition("\n\n")[0]
    assert all(line.endswith(" |") for line in keys_table.splitlines())
    for key in keys(PARAMS):
        assert row(text, f"`{key}`")[3], key


@pytest.mark.parametrize(
    ("first", "cells"),
    [
        ("`split.test_fraction`", ["number above 0, below 1", ""]),
        ("`split.by`", ["one of `row`, `group`, `time`", "`row`"]),
        ("`train.folds`", ["whole number from 2 or `null`", "`null`"]),
        ("`features.numeric`", ["list of steps or `drop`", "`[impute, standardise]`"]),
        ("`data.resize`", ["`true` or `false`", "`false`"]),
    ],
)
def test_a_key_is_told_with_its_type_and_default(
    project: Project, first: str, cells: list[str]
) -> None:
    assert row(parameters_page(project), first)[1:3] == cells


def test_the_options_of_candidates_and_steps_are_told(project: Project) -> None:
    text = parameters_page(project)
    assert "| `svm` | `kernel` | one of `rbf`, `poly`, `sigmoid`, `linear` | `rbf` |" in text
    assert "| `impute` | `strategy` | one of `median`, `mean`, `most_frequent` or number |" in text
    lines = text.splitlines()
    for registry in (CANDIDATES, STEPS):
        for name in registry:
            for option in registry.options(name):
                (line,) = [line for line in lines if line.startswith(f"| `{name}` | `{option}` |")]
                assert not line.endswith(" |  |"), f"{name}.{option}"


def test_an_option_that_networks_share_is_told_with_the_default_of_each(project: Project) -> None:
    text = parameters_page(project)
    for name, default in (("mlp", "0.01"), ("cnn", "0.001")):
        assert f"| `{name}` | `learning_rate` | number above 0 | `{default}` | step size" in text


def test_an_option_may_be_described_in_the_docstring_or_not_at_all() -> None:
    def boosted(problem: object, *, trees: int, depth: int, bare: int) -> None:
        """Many trees.

        Args:
            problem: What is to be learnt.
            trees: How many trees,
                one after the other.
            depth (int): Most splits: none below.

        Returns:
            bare: Nothing.
        """

    assert read_arguments(boosted) == {
        "problem": "What is to be learnt.",
        "trees": "How many trees, one after the other.",
        "depth": "Most splits: none below.",
    }
    assert read_arguments(row) == read_arguments(lambda: None) == {}


def test_stages_stand_after_those_whose_outputs_they_read() -> None:
    assert [*pipeline.sort_stages(STAGES)] == ["first", "middle", "last"]
    assert {*pipeline.list_edges(STAGES)} == {("first", "middle"), ("middle", "last")}
    assert pipeline.list_outputs(STAGES["last"]) == ["m.json"]


def test_the_drawing_names_each_stage_and_what_it_reads() -> None:
    drawn = pipeline.draw_pipeline(pipeline.sort_stages(STAGES))
    assert re.findall(r'class="name">(\w+)<', drawn) == ["first", "middle", "last"]
    assert "Start &lt;here&gt;" in drawn
    assert 'aria-label="middle reads what first writes; last reads what middle writes"' in drawn
    assert drawn.count("marker-end") == 2


def arrows(stages: pipeline.Stages) -> list[list[float]]:
    """The coordinates of each arrow that goes around a stage: start, two of its bend, end."""
    drawn = pipeline.draw_pipeline(pipeline.sort_stages(stages))
    paths = re.findall(r'<path d="([^"]+ C[^"]+)" marker-end', drawn)
    return [[float(number) for number in re.findall(r"[\d.]+", path)] for path in paths]


def test_an_arrow_that_passes_a_stage_goes_around_it() -> None:
    assert arrows(STAGES) == []
    ((left, start, right, *_, end),) = arrows(STAGES | {"last": {"deps": ["b", "a"]}})
    assert right > left
    assert end > start + 2 * pipeline.HEIGHT


@pytest.mark.parametrize(("of_c", "of_d"), [(["2", "1"], ["3", "1"]), (["2"], ["3", "2", "1"])])
def test_arrows_of_one_stage_around_others_neither_meet_nor_cross(
    of_c: list[str], of_d: list[str]
) -> None:
    stages = {
        "a": {"outs": ["1"]},
        "b": {"deps": ["1"], "outs": ["2"]},
        "c": {"deps": of_c, "outs": ["3"]},
        "d": {"deps": of_d},
    }
    (outer, outer_end), (inner, inner_end) = sorted(
        (arrow[1], arrow[-1]) for arrow in arrows(stages)
    )
    assert outer < inner < inner_end < outer_end


def test_results_name_their_commit_as_soon_as_there_is_one(project: Project) -> None:
    def git(*arguments: str) -> None:
        somebody = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.com")
        subprocess.run(["git", *somebody, *arguments], cwd=project.root, check=True)

    assert _describe_commit(project) == ""
    git("init", "--quiet")
    assert _describe_commit(project) == ""
    git("add", "--all")
    git("commit", "--quiet", "--message", "State")
    assert re.fullmatch(r"At commit `[0-9a-f]{7,}`\. ", _describe_commit(project))
    (project.root / "new.txt").touch()
    assert _describe_commit(project).endswith("`, with changes since then. ")


def test_results_are_announced_before_there_are_any(project: Project) -> None:
    assert "Nothing has been computed yet. After `uv run dvc repro`" in results_page(project)


def test_decisions_and_notebooks_are_taken_over_in_their_order(project: Project) -> None:
    project.decisions.mkdir(parents=True)
    project.notebooks.mkdir()
    for name in ("0002-b.md", "0001-a.md", "template.md", "README.md"):
        (project.decisions / name).write_text(f"# {name}")
    pages = decision_pages(project)
    assert pages["decisions/index.md"].endswith("\n0001-a\n0002-b\n```\n")
    assert {*pages} == {"decisions/index.md", "decisions/0001-a.md", "decisions/0002-b.md"}
    assert notebook_pages(project) == {"notebooks/index.md": "# Notebooks\n\nThere are none.\n"}
    for name in ("1.0-ab-a.ipynb", "2.0-ab-b.ipynb"):
        (project.notebooks / name).write_text(json.dumps({}))
    project.executed_notebooks.mkdir(parents=True)
    executed = json.dumps({"cells": [{"cell_type": "code", "source": ["[a](b)"]}]})
    (project.executed_notebooks / "2.0-ab-b.ipynb").write_text(executed)
    (project.executed_notebooks / "9.0-ab-gone.ipynb").write_text(executed)
    pages = notebook_pages(project)
    assert "Not run yet: `1.0-ab-a.ipynb`; `make notebooks`" in pages["notebooks/index.md"]
    assert {*pages} == {"notebooks/index.md", "notebooks/2.0-ab-b.ipynb"}
    assert pages["notebooks/2.0-ab-b.ipynb"] == executed


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("my-thoughts.md", b"# A", "a decision is named by its number and its title, such as"),
        ("0001-b.md", b"# B", "has the same number; give one of them the next"),
        ("0002-b.md", b"hello", "its first line must be its title"),
        ("0002-b.md", b"# caf\xe9", "not UTF-8"),
    ],
)
def test_a_decision_that_cannot_be_a_page_is_told(
    project: Project, name: str, content: bytes, said: str
) -> None:
    project.decisions.mkdir(parents=True)
    (project.decisions / "0001-a.md").write_text("# A")
    (project.decisions / name).write_bytes(content)
    with pytest.raises(UserError, match=r"references/decisions/\S+\.md: ") as error:
        decision_pages(project)
    assert said in str(error.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_an_executed_notebook_that_is_none_is_told(project: Project, content: str) -> None:
    for folder in (project.notebooks, project.executed_notebooks):
        folder.mkdir(parents=True)
        (folder / "1.0-ab-a.ipynb").write_text(content)
    with pytest.raises(UserError, match=r"reports/notebooks/1\.0-ab-a\.ipynb: not a notebook"):
        notebook_pages(project)


@pytest.mark.parametrize("content", ["", "stages:\n  - a\n", "stages: {a: 1}"])
def test_a_pipeline_that_is_none_is_told(project: Project, content: str) -> None:
    (project.root / "dvc.yaml").write_text(content)
    with pytest.raises(UserError, match=r"dvc\.yaml: `stages` must hold the stages"):
        pipeline_page(project)


@pytest.mark.parametrize("content", ["", "<<<<<<< HEAD\ncandidate,champion\n"])
def test_a_leaderboard_that_is_none_is_told(project: Project, content: str) -> None:
    project.reports.mkdir(exist_ok=True)
    for path in (project.model_card, project.report):
        path.touch()
    project.leaderboard.write_text(content)
    with pytest.raises(UserError, match=r"reports/leaderboard\.csv: not a leaderboard"):
        results_page(project)


def test_a_contract_that_cannot_be_read_is_no_page(project: Project) -> None:
    assert "| weight | numeric |" in dictionary_page(project)
    project.contract_file.write_text("# nothing yet")
    assert "There is none yet: the command `use FILE" in dictionary_page(project)
    project.contract_file.write_text("columns: [")
    with pytest.raises(UserError, match=r"references/schema\.yaml, line 1: not valid YAML"):
        dictionary_page(project)


def test_links_to_files_lead_there_from_the_documentation_too(project: Project) -> None:
    project.decisions.mkdir(parents=True)
    project.notebooks.mkdir()
    project.executed_notebooks.mkdir(parents=True)
    (project.decisions / "curve.png").write_bytes(b"")
    (project.decisions / "0002-b.md").write_text("# B")
    text = "# A\n![c](curve.png) [b](0002-b.md) [no](none.md) [out](https://example.com) f[0](x)"
    (project.decisions / "0001-a.md").write_text(text)
    assert decision_pages(project)["decisions/0001-a.md"] == text.replace(
        "(curve.png)", "(../../references/decisions/curve.png)"
    )
    name = "1.0-ab-a.ipynb"
    (project.notebooks / name).write_text("")
    cell = {"cell_type": "markdown", "source": ["![c](", "../references/decisions/curve.png)"]}
    (project.executed_notebooks / name).write_text(json.dumps({"cells": [cell]}))
    page = json.loads(notebook_pages(project)[f"notebooks/{name}"])
    assert page["cells"][0]["source"] == ("![c](../../notebooks/../references/decisions/curve.png)")


def test_pages_that_are_gone_leave_and_others_are_not_written_again(project: Project) -> None:
    (project.root / "dvc.yaml").write_text(json.dumps({"stages": STAGES}))
    project.decisions.mkdir(parents=True)
    (project.decisions / "0001-a.md").write_text("# A")
    (project.decisions / "0002-b.md").write_text("# B")
    write_pages(project.root)
    docs = project.root / "docs"
    first = {path: path.stat().st_mtime_ns for path in docs.rglob("*.*")}
    assert (docs / "decisions/0002-b.md").read_text() == "# B"
    (project.decisions / "0002-b.md").unlink()
    (docs / "notebooks/.ipynb_checkpoints").mkdir()
    write_pages(project.root)
    assert not (docs / "decisions/0002-b.md").exists()
    for name in ("parameters.md", "pipeline.md", "results.md", "decisions/0001-a.md"):
        assert (docs / name).stat().st_mtime_ns == first[docs / name]
    assert "0002-b" not in (docs / "decisions/index.md").read_text()


def test_the_page_of_parameters_is_made_again_when_the_code_is_newer(project: Project) -> None:
    (project.root / "dvc.yaml").write_text(json.dumps({"stages": STAGES}))
    project.decisions.mkdir(parents=True)
    page = project.root / "docs/parameters.md"
    write_pages(project.root)
    page.write_text("as it was")
    write_pages(project.root)
    assert page.read_text() == "as it was"
    os.utime(page, (0, 0))
    write_pages(project.root)
    assert "`split.test_fraction`" in page.read_text()


def test_the_decisions_answer_every_question_of_their_template() -> None:
    folder = Project(TEMPLATE).decisions
    parts = re.findall(r"^## .+", (folder / "template.md").read_text(), flags=re.MULTILINE)
    assert parts == ["## Question", "## Tried", "## Outcome"]
    paths = sorted(path for path in folder.glob("*.md") if path.name not in NO_DECISIONS)
    assert [int(path.name[:4]) for path in paths] == [*range(1, len(paths) + 1)]
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]}: "), (
            f"{path.name}: its title begins with its number"
        )
        assert re.search(r"^Date: \d{4}-\d\d-\d\d\. Commit: .", text, flags=re.MULTILINE), (
            f"{path.name}: lacks a line as in template.md, `Date: 2026-01-31. Commit: 1a2b3c4`"
        )
        assert re.findall(r"^## .+", text, flags=re.MULTILINE) == parts, (
            f"{path.name}: its sections are those of template.md"
        )
