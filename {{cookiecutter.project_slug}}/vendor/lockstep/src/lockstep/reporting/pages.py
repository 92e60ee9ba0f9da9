"""The model card and the report, as the templates beside this file lay them out.

The card is after Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from .facts import Facts
from .markdown import code, plain

CARD, REPORT = "model_card.md.jinja", "report.html.jinja"
DATE = re.compile(r"\d{4}-\d\d-\d\d")
IN_BACKQUOTES = re.compile(r"(`+) ?(.+?) ?\1")


def render_model_card(facts: Facts, captions: Mapping[str, str]) -> str:
    """The card as Markdown, with the caption of each picture in reports/figures by its name."""
    return render(CARD, facts=facts, captions=captions)


def render_report(facts: Facts, captions: Mapping[str, str], figures: Path, command: str) -> str:
    """The report as one HTML page that needs no other file; `command` runs the project's."""
    pictures = encode_pictures(figures, captions)
    return render(REPORT, facts=facts, captions=captions, pictures=pictures, command=command)


def encode_pictures(figures: Path, names: Iterable[str]) -> dict[str, str]:
    """The pictures of these names in a folder, as a page holds them, by their names."""
    return {name: b64encode((figures / f"{name}.png").read_bytes()).decode() for name in names}


def render(name: str, *folders: Path, **content: Any) -> str:
    """What the template `name` makes of `content`.

    Args:
        name: One of the templates beside this file or in other `folders`. Into HTML, texts are put
            as texts: nothing in them is markup.
        folders: Where else templates are.
        content: What the template calls by these names.
    """
    environment = Environment(
        loader=FileSystemLoader([*folders, Path(__file__).with_name("templates")]),
        autoescape=".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": plain, "code": code}
    environment.filters |= {"mark_code": _mark_code, "mark_dates": _mark_dates}
    return environment.get_template(name).render(content)


def _mark_code(text: str) -> Markup:
    """Text in which what is in backquotes is code."""
    return Markup(IN_BACKQUOTES.sub(r"<code>\2</code>", str(escape(text))))


def _mark_dates(text: str) -> Markup:
    """Text in which dates are marked, so that a page can keep them on one line."""
    return Markup(DATE.sub(r"<time>\g<0></time>", str(escape(text))))
