"""The model card and the report, as the templates beside this file lay them out.

The card is after Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from .facts import Facts
from .markdown import code, plain

CARD, REPORT = "model_card.md.jinja", "report.html.jinja"
IN_BACKQUOTES = re.compile(r"(`+) ?(.+?) ?\1")


def render_model_card(facts: Facts, captions: Mapping[str, str]) -> str:
    """The card as Markdown, with the caption of each picture in reports/figures by its name."""
    return _render(CARD, facts=facts, captions=captions)


def render_report(facts: Facts, captions: Mapping[str, str], figures: Path, package: str) -> str:
    """The report as one HTML page that needs no other file."""
    pictures = {
        name: b64encode((figures / f"{name}.png").read_bytes()).decode() for name in captions
    }
    return _render(REPORT, facts=facts, captions=captions, pictures=pictures, package=package)


def _render(name: str, **content: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=name == REPORT,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": plain, "code": code, "mark_code": _mark_code}
    return environment.get_template(name).render(content)


def _mark_code(text: str) -> Markup:
    """Text in which what is in backquotes is code."""
    return Markup(IN_BACKQUOTES.sub(r"<code>\2</code>", str(escape(text))))
