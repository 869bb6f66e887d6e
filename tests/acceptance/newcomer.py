"""A newcomer who follows docs/policies.md, block by block, in the directory that a demo has left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

LONGEST_S = 120
_STEP = re.compile(r"<!-- try: (?P<act>append|write|run|prints) ?(?P<file>\S*) -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL)


@dataclass(frozen=True)
class Newcomer:
    """Somebody in the directory that a demo has left."""

    folder: Path

    def run(self, command: str) -> str:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RINGFENCE_STATE": "state",
            "RINGFENCE_OPERATOR_CREDENTIAL": "",
        }
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def follow(self, text: str) -> Iterator[tuple[str, str]]:
        """Do what the document says, block by block; every command with what it printed."""
        printed = ""
        for step in _STEP.finditer(text):
            file = self.folder / step["file"]
            match step["act"]:
                case "append":
                    file.write_text(file.read_text("utf-8") + step["text"], "utf-8")
                case "write":
                    file.parent.mkdir(exist_ok=True)
                    file.write_text(step["text"], "utf-8")
                case "run":
                    printed = self.run(step["text"])
                    yield step["text"], printed
                case _:
                    assert printed == step["text"], "the document shows another output"


def expected_changes(answer: dict[str, Any]) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    """What the sentence says of the recorded refunds, by the wall clock at which the demo ran."""
    for entry in answer["entries"]:
        if entry["decision"] != "ask":
            continue
        hour = datetime.fromtimestamp(entry["at"] / 1000, ZoneInfo("Europe/Berlin")).hour
        big = ["refund-over-50"] if entry["body"]["arguments"]["amount_cents"] > 5000 else []
        if hour >= 22 or hour < 7:
            yield entry["id"], ("deny", ["no-refunds-at-night", *big])
        elif big:
            yield entry["id"], ("ask", big)
