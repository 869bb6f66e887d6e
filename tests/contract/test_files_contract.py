"""The promises of a look at the file system, kept by the fake and by the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ringfence.adapters.files.disk import DiskFiles
from ringfence.ports.files import Files
from ringfence.testing.contracts.files import FilesContract
from ringfence.testing.fakes.files import FakeFiles


class TestFakeFiles(FilesContract):
    async def files(self, texts: Mapping[str, str], links: Mapping[str, str]) -> tuple[Files, str]:
        made = FakeFiles(
            {f"/ground/{path}": text for path, text in texts.items()},
            links={f"/ground/{path}": f"/ground/{target}" for path, target in links.items()},
        )
        return made, "/ground"


class TestDiskFiles(FilesContract):
    @pytest.fixture(autouse=True)
    def ground(self, tmp_path: Path) -> None:
        self.folder = tmp_path.resolve()

    async def files(self, texts: Mapping[str, str], links: Mapping[str, str]) -> tuple[Files, str]:
        for name, text in texts.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for name, target in links.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).symlink_to(self.folder / target)
        return DiskFiles(), str(self.folder)
