"""What is to be said of clusters, in words."""

from __future__ import annotations

from typing import Any


def describe_structure(metrics: dict[str, Any]) -> str:
    """Whether there are clusters at all, in a sentence."""
    figure, reference = metrics["stable_silhouette"], metrics["structureless"]
    reached = "is not defined" if figure is None else f"is {figure:.4f}"
    without = (
        f"of rows that are drawn without any it is {reference['mean']:.4f} in the mean, and at "
        f"most {reference['highest']:.4f}"
    )
    if reference["is_exceeded"]:
        return f"There are clusters: stable_silhouette {reached}; {without}."
    return (
        f"No clusters are shown: rows without any structure score as high. stable_silhouette "
        f"{reached}; {without}."
    )
