"""`python -m tests.conformance`: the official suite against its reference server, directly and through the gateway.

Ends with one line `RESULT {...}`. Exit code 0 only where the differences are exactly the approved ones, in an ordinary run and
in one with two tools denied, and where every request that reached the server has one decision in the log.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance import compare
from tests.conformance.compare import Difference
from tests.conformance.evidence import executed, unaccounted
from tests.conformance.setting import configuration, gateway, reference_server
from tests.conformance.suite import REVISIONS, Findings, run_suite

HERE = Path(__file__).parent
APPROVED = HERE / "approved_differences.json"
DENIED = frozenset({"test_simple_text", "test_tool_with_progress"})


@dataclass(frozen=True)
class Setting:
    """One way to configure the gateway, with the differences that it is meant to make."""

    name: str
    approved: tuple[Path, ...]
    denied: frozenset[str] = frozenset()
    closed: bool = False


SETTINGS = (
    Setting("ordinary", (APPROVED,)),
    Setting("tightened", (APPROVED, HERE / "approved_tightened.json"), DENIED, closed=True),
)


@dataclass(frozen=True)
class Run:
    """What one setting gave."""

    findings: Mapping[str, Findings]
    different: Mapping[str, list[Difference]]
    faults: list[str]


async def run_setting(setting: Setting, url: str, log: Path, direct: Mapping[str, Findings], folder: Path) -> Run:
    """The suite through a gateway process of its own."""
    os.mkdir(folder)
    config = await configuration(url, folder, denied=setting.denied, closed=setting.closed)
    before = executed(log)
    findings: dict[str, Findings] = {}
    async with gateway(config, folder / "state") as (endpoint, people):
        for revision in REVISIONS:
            findings[revision] = await run_suite(endpoint, revision, folder / revision)
        faults = unaccounted(before, executed(log), await people.log())
    different = {revision: compare.differences(revision, direct[revision], findings[revision]) for revision in REVISIONS}
    expected = compare.approved(entry for file in setting.approved for entry in json.loads(file.read_text("utf-8")))
    new, gone = compare.unmet([each for differing in different.values() for each in differing], expected)
    faults += [f"not approved: {difference.revision} {difference}" for difference in new]
    faults += [f"approved, but no difference any more: {difference.revision} {difference}" for difference in gone]
    return Run(findings, different, faults)


async def main(folder: Path) -> int:
    """Run everything; the exit code."""
    log = folder / "reference.jsonl"
    async with reference_server(log) as url:
        direct = {revision: await run_suite(url, revision, folder / f"direct-{revision}") for revision in REVISIONS}
        runs = {s.name: await run_setting(s, url, log, direct, folder / s.name) for s in SETTINGS}
    faults = [f"reference: {fault}" for findings in direct.values() for fault in compare.broken_reference(findings)]
    for name, run in runs.items():
        for revision in REVISIONS:
            print(f"\n{revision}, {name} configuration: checks passed/failed")
            print("\n".join(compare.table(direct[revision], run.findings[revision])))
        faults += [f"{name}: {fault}" for fault in run.faults]
    print()
    for fault in faults:
        print(f"FAULT {fault}")
    ordinary = runs[SETTINGS[0].name]
    print(f"RESULT {json.dumps(compare.result(ordinary.different, direct, ordinary.findings))}")
    return 1 if faults else 0


def arguments(words: list[str]) -> Any:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="leave configurations, logs and results in this new folder")
    return parser.parse_args(words)


if __name__ == "__main__":
    kept: Path | None = arguments(sys.argv[1:]).keep
    if kept is not None:
        kept.mkdir(parents=True)
        sys.exit(asyncio.run(main(kept.resolve())))
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(asyncio.run(main(Path(temporary))))
