"""The columns that may move as they like: whether there are such."""

from __future__ import annotations

from ..core.project import Project
from ..core.validation import nearest
from .watch import Watch


def list_mistakes(project: Project, watch: Watch) -> list[str]:
    """A line for each name in `monitor.ignore` that no column has.

    Scores and the numbers that stand for an image have their names from the profile of a version,
    so that nobody can say as long as one of the versions is nowhere to be had, or none has a
    profile.
    """
    names = dict.fromkeys(project.contract.columns)
    has_profile = False
    for subject in watch.windows:
        reference = watch.references.find(subject)
        if reference is None:
            return []
        names |= dict.fromkeys(reference.contract.columns)
        if reference.profile is not None:
            names |= dict.fromkeys(reference.profile.scales)
            has_profile = True
    if not has_profile:
        return []
    return [
        f"params.yaml: monitor.ignore: {name}: no such column; {nearest(name, names)}"
        for name in project.params.monitor.ignore
        if name not in names
    ]
