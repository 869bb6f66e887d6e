"""An approval is bound to what a command works from though no word names it: its Makefile, its package.json, its plan."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ringfence.adapters.parsers.shfmt import ShfmtParser
from ringfence.app.command_profiles import command_profiles
from ringfence.core.model.identifiers import Digest
from ringfence.core.model.local import Place
from ringfence.core.scan.scanner import Scanner
from ringfence.core.shell.written import Unread, Written
from ringfence.engine.local.judging import Judging
from ringfence.engine.local.sealed import seal_of
from ringfence.testing.fakes.files import FakeFiles
from ringfence.testing.fakes.sql_reader import FakeSqlReader

PROFILES = command_profiles()
SCANNER = Scanner()
PLACE = Place(cwd="/p", roots=("/p",))


def nothing(_path: str) -> Written:
    return Unread.NOT_WRITTEN


@pytest.fixture
async def parser() -> AsyncIterator[ShfmtParser]:
    made = ShfmtParser(ready=0)
    yield made
    await made.close()


async def seal(parser: ShfmtParser, command: str, texts: dict[str, str]) -> Digest:
    """Of a command where these files are."""
    files = FakeFiles(texts, folders=("/p/sub", "/p/infra", "/p/overlays/prod"))
    judging = Judging(parser=parser, files=files, sql=FakeSqlReader(), profiles=PROFILES, scanner=SCANNER)
    return await seal_of(await judging.judge("Bash", {"command": command}, PLACE, written=nothing), files)


WORK = [
    ("make deploy", "/p/Makefile"),
    ("make -C sub deploy", "/p/sub/Makefile"),
    ("cd sub && make deploy", "/p/sub/Makefile"),
    ("make -f rules.mk deploy", "/p/rules.mk"),
    ("sudo make deploy", "/p/Makefile"),
    ("just deploy", "/p/justfile"),
    ("npm run deploy", "/p/package.json"),
    ("npm publish", "/p/package.json"),
    ("yarn run deploy", "/p/package.json"),
    ("pnpm run deploy", "/p/package.json"),
    ("docker compose up -d", "/p/docker-compose.yml"),
    ("docker compose up -d", "/p/compose.override.yaml"),
    ("docker build -t x .", "/p/Dockerfile"),
    ("terraform apply tfplan", "/p/tfplan"),
    ("terraform apply -auto-approve", "/p/main.tf"),
    ("terraform -chdir=infra apply -auto-approve", "/p/infra/main.tf"),
    ("ansible-playbook -i prod site.yml", "/p/site.yml"),
    ("ansible-playbook -i prod site.yml", "/p/prod"),
    ("kubectl apply -k overlays/prod", "/p/overlays/prod/kustomization.yaml"),
    ("python -m deploy", "/p/deploy/__main__.py"),
    ("uv run deploy", "/p/pyproject.toml"),
    ("fly deploy", "/p/fly.toml"),
]


@pytest.mark.requirement("I4")
@pytest.mark.parametrize(("command", "path"), WORK)
async def test_what_stands_in_a_file_that_is_worked_from_is_sealed(parser: ShfmtParser, command: str, path: str) -> None:
    before = await seal(parser, command, {path: "one\n"})
    assert await seal(parser, command, {path: "one\n"}) == before
    assert await seal(parser, command, {path: "two\n"}) != before
    assert await seal(parser, command, {}) != before, "that it is there at all"


@pytest.mark.parametrize(
    ("command", "path"),
    [("make deploy", "/p/README.md"), ("make deploy", "/p/sub/Makefile"), ("git push origin main", "/p/Makefile")],
)
async def test_other_files_may_change(parser: ShfmtParser, command: str, path: str) -> None:
    assert await seal(parser, command, {path: "one\n"}) == await seal(parser, command, {path: "two\n"})
