"""A small world for `doctor`: a configuration in a folder of its own, an empty home, and nothing that runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.app.doctor.doctor import Diagnosis, examine
from ringfence.app.doctor.facts import Facts
from ringfence.app.doctor.findings import Code, Finding
from ringfence.app.doctor.gather import Surroundings
from ringfence.app.doctor.gather_gateway import Ask
from ringfence.app.doctor.gather_texts import Texts
from ringfence.app.doctor.report import as_json, as_lines
from ringfence.core.model.identifiers import Millis

NOW = Millis(1_800_000_000_000)
QUIET: dict[str, Any] = {
    "version": 1,
    "servers": {"shop": {"command": ["/bin/true"]}},
    "tools": {"shop.look": {"effect": "read", "outbound": False}, "shop.pay": {"effect": "write", "outbound": False}},
    "agents": {"clerk": {"purpose": "x", "tools": ["shop.*"], "only_mcp": True}},
}
"""Of which nothing is found."""


def nobody(path: str) -> None:
    """No gateway runs."""
    return


@dataclass
class Place:
    """Folders and files on a real disk, and what is found in them."""

    root: Path

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def config(self) -> Path:
        return self.work / "ringfence.yaml"

    @classmethod
    def made(cls, root: Path, config: Mapping[str, Any] = QUIET) -> Place:
        place = cls(root)
        place.work.mkdir(mode=0o755)
        place.home.mkdir(mode=0o700)
        place.configure(config)
        return place

    def configure(self, config: Mapping[str, Any]) -> None:
        self.write("ringfence.yaml", json.dumps(config, indent=1))

    def write(self, name: str, text: str | bytes, mode: int = 0o644) -> Path:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def look(
        self,
        environment: Mapping[str, str] | None = None,
        state: Path | None = None,
        ask: Ask = nobody,
        now: Millis = NOW,
    ) -> Looked:
        texts = Texts()
        around = Surroundings(
            config=self.config,
            state=state,
            home=self.home,
            here=self.work,
            environment=environment or {},
            own_uid=os.getuid(),
            now=now,
            ask=ask,
            stored_runs=lambda state: (),
        )
        return Looked(examine(around, texts), texts)


@dataclass(frozen=True)
class Looked:
    """One diagnosis, and everything that would be printed of it."""

    diagnosis: Diagnosis
    texts: Texts

    @property
    def facts(self) -> Facts:
        return self.diagnosis.facts

    @property
    def codes(self) -> set[Code]:
        return {finding.code for finding in self.diagnosis.findings}

    @property
    def printed(self) -> str:
        lines = "\n".join(line for _, line in as_lines(self.diagnosis, self.texts.cleaned))
        return lines + "\n" + json.dumps(as_json(self.diagnosis, self.texts.cleaned))

    def of(self, code: Code) -> Finding:
        """The one finding of this code."""
        [finding] = [finding for finding in self.diagnosis.findings if finding.code is code]
        return finding

    def where(self, code: Code) -> set[str]:
        """Every place of a code."""
        return {place for finding in self.diagnosis.findings if finding.code is code for place in finding.where}
