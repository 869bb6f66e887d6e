"""A report as one HTML page that needs nothing else: no script, no address, no font."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import jinja2

from ringfence.app.drills.comparison import HELD, Comparison
from ringfence.app.drills.outcome import Report
from ringfence.app.drills.summary import summary
from ringfence.core.explaining.plain_text import plain

HERE: Final = Path(__file__).parent
TEXT_MOST: Final = 400
"""Signs of a text that the page shows."""


def page(report: Report, comparison: Comparison | None = None) -> str:
    """The whole page. What servers and agents wrote is cut, and shown with every sign spelled out."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["seen"] = lambda text: plain(str(text), TEXT_MOST)
    return environment.get_template("page.html").render(report=report, figures=summary(report), compared=comparison, held=HELD)
