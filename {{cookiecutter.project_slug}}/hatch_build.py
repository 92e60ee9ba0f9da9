"""A development install lets DVC record the environment whenever it starts.

DVC decides what to run before any code of the project has run, so the versions that the stages
compute with must be written down earlier: by a .pth file, which Python runs when it starts. It is
in the environment that `uv run` makes from this folder only, never in a wheel for others.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STARTUP = "src/record_environment.pth"


class DevelopmentHook(BuildHookInterface):
    """Adds the startup file to an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds; `version` is `editable` or `standard`."""
        if version == "editable":
            name = f"{self.metadata.core.name.replace('-', '_')}_record_environment.pth"
            build_data["force_include_editable"][STARTUP] = name
