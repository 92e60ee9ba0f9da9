"""How long generating a project takes, beside bare cookiecutter and two other templates.

    python benchmarks/generate.py [--rounds N] [--peers] [--ccds FOLDER]

Bare cookiecutter writes as many files of the same sizes, from a template without hooks. `--peers`
adds `kedro new` with its built-in template, `--ccds` adds `ccds` with that of FOLDER, a clone of
drivendataorg/cookiecutter-data-science, as it would otherwise download its template each time. Each
is installed in an environment of its own for the while.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import Case, compare

TEMPLATE = Path(__file__).parents[1]
COOKIECUTTER = [sys.executable, "-m", "cookiecutter"]
KEDRO_NEW = "new --name beside --tools none --example n --telemetry no".split()


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


def installed(package: str, command: str, at: Path) -> str:
    """The path of a package's command, in a new environment."""
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(at)], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(at), package], check=True)
    return str(at / "bin" / command)


def main(rounds: int, peers: bool, ccds: Path | None) -> None:
    """Print the table."""
    # Without it, Kedro sends what was run to its makers and waits until that is done.
    os.environ["DO_NOT_TRACK"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        # Cookiecutter leaves the hooks that it has run in the folder for temporary files.
        os.environ["TMPDIR"] = scratch
        template, out = root / "template", root / "out"
        # A clone, because a developer's caches are no part of the template.
        subprocess.run(["git", "clone", "--quiet", str(TEMPLATE), str(template)], check=True)

        def case(name: str, *command: str) -> Case:
            return Case(name, list(command), out, before=lambda: emptied(out))

        def from_template(source: Path) -> list[str]:
            return ["--no-input", "--default-config", str(source)]

        lockstep = case("lockstep", *COOKIECUTTER, *from_template(template))
        lockstep.run()
        bare = bare_template(out / "my-project", root / "bare")
        cases = [case("bare cookiecutter", *COOKIECUTTER, *from_template(bare)), lockstep]
        if ccds:
            program = installed("cookiecutter-data-science", "ccds", root / "ccds")
            cases.append(case("ccds", program, *from_template(ccds.resolve())))
        elif peers:
            print("ccds is left out; --ccds names a clone of its template")
        if peers:
            program = installed("kedro", "kedro", root / "kedro")
            cases.append(case("kedro new", program, *KEDRO_NEW))
        compare("Generating a project", cases, rounds)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--peers", action="store_true")
    options.add_argument("--ccds", type=Path)
    main(**vars(options.parse_args()))
