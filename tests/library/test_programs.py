"""Programs that are called."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lockstep.core import programs


def test_what_a_program_prints_is_read_whatever_the_encoding_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "Ángel").touch()
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", "import os; print(*os.listdir(), '\\u2713')"]
    assert programs.run_program(command, tmp_path, ascii_only).stdout == "Ángel \u2713\n"
