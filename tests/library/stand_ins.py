"""Wheels that answer at once without a model, to see what the server makes of its workers."""

import asyncio
import hashlib
import json
import sys
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from history import run_git
from lockstep.core.params import ServeParams
from lockstep.core.paths import Paths
from lockstep.serving.engine import Engine
from lockstep.serving.messages import Question, Reply

WORKER = """
import json, os, struct, sys, time
from pathlib import Path

package = Path(__file__).parents[2]
version = json.loads((package / "package.json").read_text())["version"]

def send(content):
    text = json.dumps({**content, "size": 0}).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(text)) + text)
    sys.stdout.buffer.flush()

pause = package / "pause"
seconds_of_pause = float(pause.read_text()) if pause.exists() else 0

def answer(question):
    time.sleep(seconds_of_pause)
    answers = []
    for row in question["rows"]:
        match row.get("do"):
            case "die":
                os._exit(1)
            case "crash":
                return {"crash": "ValueError: too much"}
            case "refuse":
                return {"fault": "the request: no table"}
            case int() | float() as seconds:
                time.sleep(seconds)
        answers.append({"prediction": f"{version} {row['x']}"})
    return {"answers": answers, "rows": question["rows"]}

while (package / "wait").exists():
    time.sleep(0.01)
fault = package / "fault"
if fault.exists():
    send({"fault": fault.read_text()})
    sys.exit()
send({"features": ["x"]})
while head := sys.stdin.buffer.read(4):
    content = json.loads(sys.stdin.buffer.read(*struct.unpack(">I", head)))
    sys.stdin.buffer.read(content["size"])
    send({"replies": [answer(question) for question in content["questions"]]})
"""
"""A row says what it does: wait some seconds, die, or make the model fail. Files beside
package.json hold it up, or make it fail, when it starts."""
CONTRACT = {
    "title": "Made-up",
    "target": "y",
    "columns": {
        "who": {"type": "identifier", "meaning": "who"},
        "x": {"type": "numeric", "meaning": "a number"},
        "name": {"type": "text", "meaning": "a name", "private": True},
        "y": {"type": "categorical", "categories": ["no", "yes"], "meaning": "the target"},
    },
}


def make_wheel(
    folder: Path,
    version: str,
    model: str = "fruit",
    pins: Mapping[str, str] | None = None,
    **files: str,
) -> Path:
    """The wheel of a stand-in for a version, with more files in its package."""
    home = f"{model}_model"
    described = {"kind": "classification", "contract": CONTRACT}
    record = {"metrics": {"accuracy": 0.9}}
    contents = {
        "champion/model.json": json.dumps(described),
        "record.json": json.dumps(record),
        "card.md": f"# {model} {version}",
        "lockstep/standalone/worker.py": WORKER,
        **files,
    }
    info = {
        "form": 1,
        "name": model,
        "version": version,
        "package": model,
        "run": hashlib.sha256(version.encode()).hexdigest(),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "backend": None,
        "pins": pins or {},
        "dependencies": [],
        "sha256": {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in contents.items()
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{home}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**contents, "package.json": json.dumps(info)}.items():
            archive.writestr(f"{home}/{name}", text)
        lines = [f"Requires-Dist: {name}=={pin}\n" for name, pin in (pins or {}).items()]
        archive.writestr(f"{home}-{version}.dist-info/METADATA", "".join(lines) + "\n")
    return path


class Versions:
    """A project whose registry has versions, each with its wheel at hand."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(root)
        root.mkdir(parents=True, exist_ok=True)
        run_git(root, "init", "--quiet")
        (root / ".gitignore").write_text(".serve\n")

    def register(self, version: str, **files: str) -> None:
        """Make a commit a version."""
        run_git(self.paths.root, "commit", "--quiet", "--allow-empty", "--message", version)
        commit = run_git(self.paths.root, "rev-parse", "HEAD")
        place = self.paths.root / ".serve" / "cache" / "wheels" / f"v{version}-{commit[:12]}"
        make_wheel(place, version, **files)
        self._tag(f"champion@v{version}")

    def assign(self, stage: str, version: str) -> None:
        """Put a version into a stage."""
        count = len(run_git(self.paths.root, "tag", "--list", "*#*").split()) + 1
        self._tag(f"champion#{stage}#{count}", f"champion@v{version}^{{commit}}")

    def withdraw(self, stage: str) -> None:
        """Take out of a stage what was put into it last."""
        tags = run_git(self.paths.root, "tag", "--list", f"*#{stage}#*", "--sort", "creatordate")
        run_git(self.paths.root, "tag", "--delete", tags.split()[-1])

    def _tag(self, name: str, *commit: str) -> None:
        run_git(self.paths.root, "tag", "--annotate", "--message", name, name, *commit)


def ask(x: object = 1, **cells: object) -> Question:
    """A question of one row."""
    return Question(({"x": x, **cells},))


def serve(
    work: Callable[[Engine], Awaitable[Any]],
    *models: str,
    paths: Paths | None = None,
    note_shadow: Callable[[str, Question, Reply | None], None] = lambda *_: None,
    **settings: object,
) -> Any:
    """What `work` gives with an engine that serves some models."""

    async def run() -> Any:
        params = ServeParams.model_validate(settings)
        engine = Engine(paths or Paths(Path.cwd()), models, params, note_shadow)
        await engine.start()
        try:
            return await work(engine)
        finally:
            await engine.stop()

    return asyncio.run(run())
