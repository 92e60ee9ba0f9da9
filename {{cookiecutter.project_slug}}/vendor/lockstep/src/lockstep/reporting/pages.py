"""The model card and the report, as the templates beside this file lay them out.

The card is after Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from .facts import Facts
from .markdown import code, plain

CARD, REPORT = "model_card.md.jinja", "report.html.jinja"
IN_BACKQUOTES = re.compile(r"(`+) ?(.+?) ?\1")


def render_model_card(facts: Facts, captions: Mapping[str, str]) -> str:
    """The card as Markdown.

    Args:
        facts: What is to be said.
        captions: What each picture in reports/figures shows, by its name without extension.
    """
    return _environment().get_template(CARD).render(facts=facts, captions=captions)


def render_report(facts: Facts, captions: Mapping[str, str], figures: Path, package: str) -> str:
    """The report as one HTML page that needs no other file.

    Args:
        facts: What is to be said.
        captions: What each picture shows, by its name without extension.
        figures: The folder of the pictures.
        package: The name of the owner's package.
    """
    pictures = {
        name: b64encode((figures / f"{name}.png").read_bytes()).decode() for name in captions
    }
    return (
        _environment()
        .get_template(REPORT)
        .render(facts=facts, captions=captions, pictures=pictures, package=package)
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=lambda name: name == REPORT,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": plain, "code": code, "mark_code": _mark_code}
    return environment


def _mark_code(text: str) -> Markup:
    """Text in which what is in backquotes is code."""
    return Markup(IN_BACKQUOTES.sub(r"<code>\2</code>", str(escape(text))))
