"""The owner's code in the package of a model: which of it, and how it imports what it needs."""

import sys
from pathlib import Path

import pytest
from history import run_git
from lockstep.core.errors import UserError
from lockstep.packaging.code import Code, gather_code

MODULES = {
    "__init__.py": "import lockstep\n",
    "steps.py": "from . import words, none\nfrom .deep import below\nimport json, numpy\n",
    "words.py": "def read():\n    from absolute import late\n    import sklearn.base as base\n",
    "late.py": "",
    "deep/__init__.py": "from ..aside import x\n",
    "deep/below.py": "from ..words import read\n",
    "aside.py": "x = 1\n",
    "train.py": "import pandas\n",
    "words.txt": "a list\n",
}


@pytest.fixture
def absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of that name, as the owner's."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "absolute"]:
        monkeypatch.delitem(sys.modules, name)
    folder = tmp_path / "absolute"
    for name, text in MODULES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    yield folder
    sys.modules.pop("absolute", None)


def gather(*modules: str) -> Code:
    return gather_code("absolute", modules, "model")


def test_a_module_comes_with_all_that_it_imports_of_its_package(absolute: Path) -> None:
    code = gather("absolute.steps", "sklearn.pipeline")
    assert {*code.files} == {*MODULES} - {"train.py"}
    assert code.imports == {"json", "numpy", "sklearn"}
    assert code.files["words.txt"] == (absolute / "words.txt").read_bytes()


def test_hidden_files_and_those_that_git_ignores_stay_at_home(absolute: Path) -> None:
    for name in (
        ".env",
        ".keys/token",
        "deep/.token",
        "secret.txt",
        "deep/.ipynb_checkpoints/x.txt",
    ):
        (absolute / name).parent.mkdir(exist_ok=True)
        (absolute / name).write_text("a secret")
    assert {*gather("absolute.late").files} == {"__init__.py", "late.py", "words.txt", "secret.txt"}
    run_git(absolute.parent, "init", "--quiet")
    (absolute.parent / ".gitignore").write_text("secret*")
    assert {*gather("absolute.late").files} == {"__init__.py", "late.py", "words.txt"}


@pytest.mark.usefixtures("absolute")
def test_a_model_that_names_no_code_of_the_owner_takes_none_along() -> None:
    assert gather("sklearn.pipeline", "absolutely.other") == Code({}, set())


def test_what_is_not_python_is_told(absolute: Path) -> None:
    (absolute / "words.py").write_text("if")
    with pytest.raises(UserError, match=r"^absolute/words\.py: not Python: "):
        gather("absolute.words")
    (absolute / "words.py").write_bytes("é = 1".encode("latin-1"))
    with pytest.raises(UserError, match=r"^absolute/words\.py: not Python: "):
        gather("absolute.words")


@pytest.mark.parametrize(
    ("encoding", "head"),
    [
        ("utf-8-sig", ""),
        ("latin-1", "# -*- coding: latin-1 -*-\n"),
        ("cp1252", "# Words.\n# vim: fileencoding=cp1252\n"),
        ("utf-8", "x = 1\r\n"),
    ],
)
def test_a_file_is_rewritten_in_the_encoding_that_it_declares(
    absolute: Path, encoding: str, head: str
) -> None:
    text = head + "{}x = 'é'; import {}absolute.aside as a; from {}lockstep import é\n"
    (absolute / "words.py").write_bytes(
        text.format("from lockstep import y\n", "", "").encode(encoding)
    )
    expected = text.format("from model.lockstep import y\n", "model.", "model.").encode(encoding)
    assert gather("absolute.words").files["words.py"] == expected


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("import lockstep", "lockstep.NAME"),
        ("import lockstep as l", "l.NAME"),
        ("import lockstep.deep.below", "lockstep.deep.below.NAME"),
        ("import lockstep.deep.below as b", "b.NAME"),
        ("import json, lockstep, os.path as p", "lockstep.NAME"),
        ("from lockstep import NAME", "NAME"),
        ("from lockstep.deep import (  # why\n    below as b,\n)", "b.NAME"),
        ("from \\\n  lockstep import NAME as n", "n"),
        ("é = 1; from lockstep import NAME; x = 'from lockstep import'", "NAME"),
        ("def f():\n    import lockstep; return lockstep\nl = f()", "l.NAME"),
        ("if True: import lockstep.deep.below", "lockstep.deep.below.NAME"),
        ("import absolute.aside", "absolute.aside.x"),
        ("from absolute import aside", "aside.x"),
        ("from absolute.aside import x", "x"),
        ("from .aside import x", "x"),
    ],
)
def test_absolute_imports_lead_to_the_copies_in_the_package_of_the_model(
    absolute: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, names: str
) -> None:
    (absolute / "steps.py").write_text(f"{statement}\nvalue = {names}\n", encoding="utf-8")
    code = gather("absolute.steps", "absolute.aside")
    home = tmp_path / "model"
    files = {f"absolute/{name}": content for name, content in code.files.items()}
    for place in ("", "deep/", "deep/below/"):
        files[f"lockstep/{place}__init__.py"] = b"NAME = 1\n"
    for name, content in {"__init__.py": b"", **files}.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    former = {*sys.modules}
    with monkeypatch.context() as patch:
        for name in [
            name for name in sys.modules if name.split(".")[0] in ("lockstep", "absolute")
        ]:
            patch.setitem(sys.modules, name, None)
        module = __import__("model.absolute.steps", fromlist=["value"])
        assert module.value == 1
    for name in {*sys.modules} - former:
        del sys.modules[name]
    source = (absolute / "steps.py").read_text(encoding="utf-8")
    assert code.files["steps.py"].count(b"\n") == source.count("\n")
