"""Making the wheel of a model: the same bytes whenever and wherever it is made of the same run."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..core.errors import UserError
from ..core.files import sha256, write_json
from ..core.programs import run_program
from ..core.project import Project
from ..modeling.model import NETWORK, PIPELINE, Model
from ..modeling.unpickler import list_modules
from ..standalone.check import SAME
from ..standalone.differences import find_differences
from ..standalone.model_package import CARD, CHAMPION, FORM, GOLDEN, INFO, RECORD, SCHEMA
from .archive import write_wheel
from .code import NAME, gather_code, list_library
from .door import make_door
from .golden import make_golden
from .metadata import make_notes
from .pins import find_distributions, list_computing, pin, read_lock

SEED_SIGNS = 16
"""Of the run's name, that golden rows are drawn by."""
CHECK = """
import sys
for name in list(sys.modules):
    if name.partition(".")[0] in {strangers}:
        del sys.modules[name]
sys.modules.update(dict.fromkeys({strangers}))
from {home}.{library}.standalone.main import main
sys.exit(main(["check"]))
"""
"""Where the project's own code cannot be imported, as at the receiver's."""


def build_wheel(project: Project, version: str, folder: Path) -> Path:
    """Make the wheel of the champion that stands in a project.

    Args:
        project: With the results of a run, its code, and its libraries installed.
        version: The model's, such as 1.2.0.
        folder: Where the wheel comes.

    Returns:
        The wheel.

    Raises:
        UserError: A result is missing, other libraries are installed than those of the run, or the
            model fails.
    """
    home = f"{project.package}_model"
    distribution = re.sub(r"[-_.]+", "_", project.title).lower() + "_model"
    path = folder / f"{distribution}-{version}-py3-none-any.whl"
    with TemporaryDirectory(prefix="package-") as scratch:
        top = Path(scratch)
        info = _fill(project, version, top / home)
        check_alone(top, home, project)
        files = {file.relative_to(top).as_posix(): file for file in _list_files(top)}
        write_wheel(path, files, make_notes(project, info, home))
    return path


def _fill(project: Project, version: str, folder: Path) -> dict[str, Any]:
    """Write the package of a model, and give back what it tells of itself."""
    champion, record_file = project.require(project.champion), project.require(project.record)
    model = Model.load(champion, project.name(champion))
    record = json.loads(record_file.read_text(encoding="utf-8"))
    run = sha256(record_file)

    def put(name: str, content: bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    for name in sorted(file.name for file in champion.iterdir()):
        put(f"{CHAMPION}/{name}", (champion / name).read_bytes())
    put(RECORD, record_file.read_bytes())
    put(SCHEMA, project.contract_file.read_bytes())
    put(CARD, project.require(project.model_card).read_bytes())
    for name, file in list_library().items():
        put(f"{NAME}/{name}", file.read_bytes())
    modules = list_modules(champion / PIPELINE, project.name(champion))
    code = gather_code(project.package, modules, folder.name)
    for name, content in code.files.items():
        put(f"{project.package}/{name}", content)
    for name, text in make_door(project.title, version).items():
        put(name, text.encode())

    has_network = (champion / NETWORK).exists()
    backend = project.params.keras_backend if has_network else None
    tops = {name.partition(".")[0] for name in modules} - {NAME, project.package}
    others = find_distributions(tops | code.imports)
    libraries = list_computing(backend, has_images=model.contract.images is not None)
    info: dict[str, Any] = {
        "form": FORM,
        "name": project.title,
        "version": version,
        "package": project.package,
        "run": run,
        "python": record["environment"]["python"],
        "backend": backend,
        "pins": pin({*libraries, *others}, record["environment"], read_lock(project.root)),
        "dependencies": sorted(others),
    }
    if differences := find_differences(info):
        raise UserError(
            f"{'; '.join(differences)}: the run was made with other libraries than are installed; "
            "`uv sync` installs those of uv.lock, and `dvc repro` runs with those that there are"
        )
    golden = make_golden(model, int(run[:SEED_SIGNS], 16))
    write_json(golden._asdict(), folder / GOLDEN)
    digests = {file.relative_to(folder).as_posix(): sha256(file) for file in _list_files(folder)}
    write_json({**info, "sha256": digests}, folder / INFO)
    return info


def _list_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def check_alone(top: Path, home: str, project: Project) -> None:
    """Let the package answer its golden rows in a process that knows nothing of the project."""
    strangers = (NAME, project.package)
    code = CHECK.format(home=home, library=NAME, strangers=strangers)
    environment = {**os.environ, "PYTHONPATH": str(top), "PYTHONDONTWRITEBYTECODE": "1"}
    done = run_program([sys.executable, "-c", code], top, environment)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason is known"]
        raise UserError(f"the packed model does not work: {lines[-1].removeprefix('error: ')}")
    if project.params.reproducibility == "strict" and SAME not in done.stdout:
        raise UserError(f"the packed model is another than the project's: {done.stdout.strip()}")
