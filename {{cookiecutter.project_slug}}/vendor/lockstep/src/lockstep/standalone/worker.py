"""A process that answers for one version: questions come by standard input, answers go out.

`python -m fruit_model.lockstep.standalone.worker` first tells what it is that answers, or why
nothing can; then it answers until its input is closed, as it is when the server ends.
"""

from __future__ import annotations

import signal
from io import BytesIO
from typing import Any, BinaryIO

from ..core.errors import UserError
from ..core.runtime import pin_strictly
from .frames import claim_pipes, pack, read_frame
from .model_package import CHAMPION, ModelPackage, open_package


def main() -> None:
    """Answer until the input ends."""
    questions, answers = claim_pipes()
    # Ctrl-C is for the server, which lets those that wait have their answers first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        package = open_package()
        pin_strictly(package.info["backend"])
        _answer(package, questions, answers)
    except UserError as error:
        _send(answers, {"fault": str(error)})


def _answer(package: ModelPackage, questions: BinaryIO, answers: BinaryIO) -> None:
    # Heavy, and the environment is settled now.
    from ..modeling.profile import read_profile
    from .answers import Answerer, Query
    from .check import check

    check(package)  # it compiles what the first question would have to wait for, too
    resize = package.record["parameters"].get("data", {}).get("resize", False)
    profile = read_profile(package.folder / CHAMPION, package.name)
    embedding = profile.embedding if profile else None
    answerer = Answerer(package.model, resize=resize, embedding=embedding)
    _send(answers, {"features": package.model.inputs})
    while frame := read_frame(questions):
        content, payload = frame
        bodies = BytesIO(payload)
        queries = [
            Query(question["form"], question["rows"], bodies.read(question["length"]))
            for question in content["questions"]
        ]
        replies = answerer.answer(queries, content["columns"], content["most_rows"])
        _send(answers, {"replies": replies})


def _send(answers: BinaryIO, content: dict[str, Any]) -> None:
    answers.write(pack(content))
    answers.flush()


if __name__ == "__main__":
    main()
