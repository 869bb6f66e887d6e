"""One user's part: every attempt in a box, then the same scripts without one. Runs on the tests' own machine.

`python -m tests.escapes.scene FOLDER [--short] [--only ID]...` prints one JSON line for each attempt.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pty
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.escapes.attempt import Aftermath, Attempt
from tests.escapes.attempts import ALL, CLASS_OF
from tests.escapes.host import INNER, Host, a_host, said_by
from tests.escapes.judges import refs
from tests.escapes.watch import alive, end, watching

INSIDE = Path(__file__).with_name("inside.py").read_text("utf-8")
KIT = Path(__file__).with_name("kit.py").read_text("utf-8")
SYSTEM_PYTHON = "/usr/bin/python3"
TOGETHER_S, ALONE_S = 280.0, 45.0


class Phase:
    """All attempts, either in boxes or beside them."""

    def __init__(self, host: Host, *, boxed: bool) -> None:
        self._host, self._boxed = host, boxed
        self._name = "box" if boxed else "control"
        self._root = os.geteuid() == 0
        ports = {"PROXY": INNER, "MCP_PORT": INNER, "PEOPLE_PORT": INNER}
        if not boxed:
            ports = {"PROXY": str(host.proxy), "MCP_PORT": host.facts["DATA_PORT"], "PEOPLE_PORT": host.facts["CONTROL_PORT"]}
        self._facts = {**ports, "PHASE": self._name}

    async def run(self, attempts: Sequence[Attempt]) -> dict[str, tuple[str, str]]:
        """By id: the evidence of an escape, and what it said."""
        self._host.renew_victims()
        found: dict[str, tuple[str, str]] = {}
        together = [each for each in attempts if not is_alone(each)]
        if together:
            found |= await self._some(together)
        for each in attempts:
            if each not in together:
                found |= await self._some([each])
                if any(victim.poll() is not None for victim in self._host.victims):
                    self._host.renew_victims()
        return found

    async def _some(self, attempts: Sequence[Attempt]) -> dict[str, tuple[str, str]]:
        host, first = self._host, attempts[0]
        print(f"{self._name} {first.id} and {len(attempts) - 1} more", file=sys.stderr, flush=True)
        facts = {**host.facts, **self._facts}
        repo = host.checkout() if first.repo else None
        before = refs(repo) if repo else {}
        told = json.dumps(
            {"kit": KIT, "facts": facts, "attempts": [{"id": each.id, "script": each.script} for each in attempts]}
        )
        host.services.take()
        live = await self._checkout_socket(repo) if repo else None
        host.renew_files()
        async with watching(host.gateway) as watch:
            said, trouble = await self._said(told.encode(), repo, first, alone=len(attempts) == 1)
            if first.then:
                next_told = json.dumps({"kit": KIT, "facts": facts, "attempts": [{"id": first.id, "script": first.then}]})
                then, trouble = await self._said(next_told.encode(), repo, first, alone=True)
                said += then
        if live is not None:
            live.close()
        heard = host.services.take()
        lines = [json.loads(line) for line in said.splitlines() if line.startswith(b"{")]
        by_id: dict[str, str] = {}
        for line in lines:
            by_id[line["id"]] = by_id.get(line["id"], "") + line["said"]
        found: dict[str, tuple[str, str]] = {}
        for each in attempts:
            left = alive(f"mark-{each.id}-{self._name}")
            aftermath = Aftermath(
                id=each.id,
                said=by_id.get(each.id, ""),
                facts={**facts, **host.secrets},
                heard=heard,
                repo=repo,
                before=before,
                trouble="; ".join(filter(None, (watch.trouble, trouble, "a process lives on" if left else ""))),
            )
            evidence = each.escaped(aftermath)
            if self._boxed and not evidence and (left or not host.gateway.is_running):
                evidence = aftermath.trouble
            found[each.id] = evidence, by_id.get(each.id, f"(nothing: {trouble or said[-400:].decode('utf-8', 'replace')})")
            end(left)
        return found

    async def _checkout_socket(self, repo: Path) -> asyncio.Server:
        return await asyncio.get_running_loop().create_unix_server(
            lambda: self._host.services.sink("checkout"), str(repo / "live.sock")
        )

    async def _said(self, told: bytes, repo: Path | None, first: Attempt, *, alone: bool) -> tuple[bytes, str]:
        """What the attempts said, and what went wrong on our side."""
        host = self._host
        scratch = host.folder / "scratch" / f"work-{host.copies}"
        scratch.mkdir(parents=True, exist_ok=True)
        shared = Path(host.facts["SHARED"]) if first.then else None
        command = [SYSTEM_PYTHON, "-I", "-c", INSIDE, *([told.decode()] if first.terminal or first.streams else [])]
        if self._boxed and shared is not None:
            command = [*host.boxed("--workspace", str(shared), agent="sharer"), *command]
        elif self._boxed:
            command = [*host.boxed(*(["--repo", str(repo), "--no-wait"] if repo else [])), *command]
        where = scratch if self._boxed else repo or shared or scratch
        deadline = ALONE_S if alone else TOGETHER_S
        try:
            if first.streams:
                with host.streams() as (stdin, stdout):
                    _, errors = await said_by(command, host, b"", where, deadline, stdin=stdin, stdout=stdout)
                said = host.logged()
            elif first.terminal:
                leader, follower = pty.openpty()
                try:
                    said, errors = await said_by(["setsid", "--ctty", *command], host, b"", where, deadline, stdin=follower)
                finally:
                    os.close(leader)
                    os.close(follower)
            else:
                said, errors = await said_by(command, host, told, where, deadline)
        except TimeoutError:
            return b"", "it did not come to an end"
        if not said:
            print(errors[-2000:].decode("utf-8", "replace"), file=sys.stderr)
        return said, ""


def is_alone(attempt: Attempt) -> bool:
    """Whether it has a box of its own."""
    return bool(attempt.alone or attempt.repo or attempt.terminal or attempt.streams or attempt.then)


def chosen(only: Iterable[str], *, short: bool) -> list[Attempt]:
    names = set(only)
    unknown = names - {attempt.id for attempt in ALL} - set(CLASS_OF.values())
    if unknown:
        raise SystemExit(f"no attempt is called {', '.join(sorted(unknown))}")
    root = os.geteuid() == 0
    wanted = [each for each in ALL if not names or each.id in names or CLASS_OF[each.id] in names]
    wanted = [each for each in wanted if root or not each.root_only]
    return [each for each in wanted if not short or not (is_alone(each) or each.slow)]


async def main(folder: Path, attempts: Sequence[Attempt]) -> None:
    root = os.geteuid() == 0
    async with a_host(folder) as host:
        boxed = await Phase(host, boxed=True).run(attempts)
        tried = [each for each in attempts if not each.why_no_control(root=root)]
        control = await Phase(host, boxed=False).run(tried)
        for each in attempts:
            evidence, said = boxed[each.id]
            outcome = {
                "id": each.id,
                "class": CLASS_OF[each.id],
                "what": each.what,
                "escaped": evidence,
                "said": said[-3000:],
                "ran": not said.startswith("(nothing"),
                "control": control[each.id][0] if each.id in control else "",
                "control_said": control[each.id][1][-3000:] if each.id in control else "",
                "no_control": each.why_no_control(root=root),
            }
            print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    asyncio.run(main(options.folder, chosen(options.only, short=options.short)))
