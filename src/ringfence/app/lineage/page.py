"""A timeline as one page: nothing is loaded, nothing runs, and every text in it is escaped.

As a file it carries its style and a policy that allows that style alone; served by the control plane it links its style.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from ringfence.app.lineage.drawing import WIDTH, draw
from ringfence.app.lineage.wording import began, happened, notes, state_of

_HERE: Final = Path(__file__).parent
STYLE: Final = (_HERE / "timeline.css").read_text("utf-8")
MOST_LISTED: Final = 1_000
"""Events in the list below the drawing; the rest is in the JSON."""
_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
FATES: Final = {
    "executed": "executed",
    "unknown": "sent, outcome unknown",
    "under_way": "no outcome recorded",
    "not_sent": "not sent",
    "waiting": "waits for a person",
    "refused": "refused by a person",
    "lapsed": "lapsed",
    "denied": "denied by a rule",
}


def timeline_page(document: dict[str, Any], *, served: bool = False) -> str:
    """HTML. `served`: on the control plane, with links to its pages."""
    events = document["events"]
    listed = [
        {**event, "said": happened(event)[0], "notes": notes(event), "state": state_of(event)} for event in events[:MOST_LISTED]
    ]
    return _ENVIRONMENT.get_template("timeline.html").render(
        facts=document,
        began=began(document),
        drawing=draw(document),
        width=WIDTH,
        events=listed,
        unlisted=len(events) - len(listed) + document["left_out"],
        fates=FATES,
        served=served,
        style=Markup(STYLE),  # INVARIANT: our own file, and no `<` stands in it
        style_hash=base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode(),
        state=state_of(events[-1]) if events else "clean",
    )
