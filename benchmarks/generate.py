"""How long generating a project takes, beside bare cookiecutter and another template.

    python benchmarks/generate.py [--rounds N] [--ccds FOLDER]

Bare cookiecutter writes as many files of the same sizes, from a template without hooks. FOLDER is
a clone of drivendataorg/cookiecutter-data-science, whose command `ccds` must be installed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import Case, compare

TEMPLATE = Path(__file__).parents[1]
COOKIECUTTER = [sys.executable, "-m", "cookiecutter"]


def bare_template(generated: Path, to: Path) -> Path:
    """A template without hooks that writes the files of the project `generated` as they are."""
    files = [path for path in generated.rglob("*") if path.is_file() and ".git" not in path.parts]
    inside = to / "{{cookiecutter.slug}}"
    for path in files:
        copied = inside / path.relative_to(generated)
        copied.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8").replace("{{", "[[").replace("{%", "[%")
        copied.write_text(text.replace("{#", "[#"), encoding="utf-8")
    (to / "cookiecutter.json").write_text(json.dumps({"slug": "bare"}), encoding="utf-8")
    print(f"{len(files)} files")
    return to


def emptied(folder: Path) -> None:
    """Remove what the last run generated."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def main(rounds: int, ccds: Path | None) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        template, out = root / "template", root / "out"
        # A clone, because a developer's caches are no part of the template.
        subprocess.run(["git", "clone", "--quiet", str(TEMPLATE), str(template)], check=True)

        def case(name: str, program: list[str], source: Path) -> Case:
            command = [*program, "--no-input", "--default-config", "-o", str(out), str(source)]
            return Case(name, command, root, before=lambda: emptied(out))

        lockstep = case("lockstep", COOKIECUTTER, template)
        lockstep.run()
        bare = bare_template(out / "my-project", root / "bare")
        cases = [case("bare cookiecutter", COOKIECUTTER, bare), lockstep]
        if ccds:
            program = Path(sys.executable).with_name("ccds")
            cases.append(case("ccds", [str(program)], ccds.resolve()))
        compare("Generating a project", cases, rounds)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--ccds", type=Path)
    main(**vars(options.parse_args()))
