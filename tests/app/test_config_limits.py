"""`limits:` of the gateway, servers, agents and tools."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.core.model.agent import Limits
from ringfence.core.model.identifiers import AgentId, ServerId, ToolId
from ringfence.core.model.limits import MICRO, DistinctCap, LeavingCap, Loops, Rate, RowCount, SumCap, UseLimits
from ringfence.core.model.profile import Sensitivity
from ringfence.core.rules import Rules
from ringfence.errors import ConfigError

DAY = 86_400_000
DOCS = Path(__file__).parents[2] / "docs" / "limits.md"
FILE = """\
version: 1
limits: {rate: 600/min burst 100, concurrent: 64, loops: true, freeze: "Fri 18:00 - Mon 06:00"}
servers:
  pay: {command: [pay], limits: {concurrent: 4}}
tools:
  pay.refund:
    limits:
      rate: 10/min
      concurrent: 2
      sums:
        - {of: /amount, cap: 19.99, per: day, everybody: true}
        - {of: /amount, cap: 100, absent: 2.5}
      distinct: [{of: /to, most: 20, per: 90m}]
      rows: {at: /structuredContent/rows, most: 100}
      polling: true
      freeze: ["Fri 18:00 - Mon 06:00 +01:00", {window: "2026-12-24 12:00 - 2027-01-02 06:00", action: ask, reads: true}]
agents:
  support:
    purpose: help
    tools: [pay.refund]
    limits: {calls_per_run: 9, rows_per_run: 500, rate: 1/s burst 3, concurrent: 8, loops: {repeats: 5, spacing: 1m}}
"""


def rules(text: str = FILE) -> Rules:
    return parse_config(text.encode(), Path("/etc/rf/ringfence.yaml")).rules


def complaints(old: str, new: str) -> str:
    assert FILE.count(old) == 1
    with pytest.raises(ConfigError) as caught:
        rules(FILE.replace(old, new))
    return str(caught.value).replace("/etc/rf/ringfence.yaml:", "")


def test_limits_become_what_the_decision_reads() -> None:
    found = rules()
    assert (found.limits.rate, found.limits.concurrent, found.loops) == (Rate(600, 60_000, 100), 64, Loops())
    assert [freeze.text for freeze in found.limits.freezes] == ["Fri 18:00 - Mon 06:00 UTC"]
    assert found.servers[ServerId("pay")].limits == UseLimits(concurrent=4)
    support = found.agents[AgentId("support")].limits
    assert support == Limits(calls_per_run=9, rows_per_run=500, rate=Rate(1, 1000, 3), concurrent=8, loops=Loops(5, 60_000))
    refund = found.tools[ToolId("pay.refund")].limits
    assert (refund.rate, refund.concurrent, refund.polling) == (Rate(10, 60_000, 10), 2, True)
    assert refund.sums == (
        SumCap(pointer="/amount", cap=19_990_000, window_ms=DAY, everybody=True),
        SumCap(pointer="/amount", cap=100 * MICRO, absent=2_500_000),
    )
    assert refund.distinct == (DistinctCap(pointer="/to", most=20, window_ms=90 * 60_000),)
    assert refund.rows == RowCount("/structuredContent/rows", 100)
    assert [(freeze.asks, freeze.reads) for freeze in refund.freezes] == [(False, False), (True, True)]


def test_loops_can_be_switched_off_and_nothing_is_limited_by_default() -> None:
    assert rules("version: 1\n").limits == UseLimits()
    assert rules("version: 1\nlimits: {loops: false}\n").loops is None


@pytest.mark.requirement("I16")
@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("10/min\n", "10 per minute\n", "limits.rate: expected a rate such as `10/min` or `10/min burst 5`"),
        ("10/min\n", "0/min\n", "limits.rate: expected a rate"),
        ("cap: 100,", "cap: 1e3,", "sums[1].cap: expected a decimal number"),
        ("cap: 100,", "cap: -1,", "sums[1].cap: expected a decimal number"),
        ("cap: 100,", "cap: 0.0000001,", "sums[1].cap: expected a decimal number"),
        ("of: /amount, cap: 100", "of: amount, cap: 100", "sums[1].of: expected a JSON pointer"),
        ("per: 90m", "per: month", "distinct[0].per: expected `run`, `minute`, `hour`, `day`, `week`, or a duration"),
        ("absent: 2.5}", "absent: 2.5, everybody: true}", "sums[1].everybody: needs a span"),
        ("absent: 2.5}", "per: 24h, everybody: true}", "sums[1]: `/amount` is capped for the same span already"),
        ("Fri 18:00 - Mon 06:00 +01:00", "Fri 18:00 - Mon 24:00", "freeze[0]: expected a window such as"),
        ("Fri 18:00 - Mon 06:00 +01:00", "Fri 18:00 - Mon 06:00 Mars/Base", "freeze[0]: this machine knows no time zone"),
        ("2027-01-02 06:00", "2025-01-02 06:00", "freeze[1]: the window ends before it begins"),
        ("polling: true", "pollling: true", "unknown key `pollling`; nearest known: `polling`"),
        ("repeats: 5", "repeats: 1", "loops.repeats: expected an integer from 2 to 1000"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_in_words_that_help(old: str, new: str, complaint: str) -> None:
    assert complaint in complaints(old, new)


def test_the_documented_configuration_is_read() -> None:
    example = re.findall(r"```yaml\n(limits:.*?)```", DOCS.read_text("utf-8"), re.DOTALL)[0]
    found = rules(
        "version: 1\n"
        + example.replace("  payments:\n    limits", "  mail: {command: [m]}\n  crm: {command: [c]}\n  jobs: {command: [j]}\n"
                          "  payments:\n    command: [p]\n    limits")
        .replace("  support:\n", "  support:\n    purpose: help\n    tools: ['*']\n")
    )  # fmt: skip
    assert found.tools[ToolId("jobs.status")].limits.polling
    assert len(found.tools[ToolId("payments.refund")].limits.sums) == 3
    (windows,) = re.findall(r"```yaml\n(freeze:.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    frozen = rules("version: 1\nlimits:\n" + "".join(f"  {line}\n" for line in windows.splitlines()))
    assert [freeze.asks for freeze in frozen.limits.freezes] == [False, True]


LEAVING = """\
version: 1
limits: {leaving: {bytes: 1000, per: day}}
servers: {mail: {command: [m], limits: {leaving: [{records: 5}, {records: 9, per: hour, from: public}]}}}
tools: {mail.send: {limits: {leaving: {bytes: 7, records: 8, from: regulated}}}}
agents: {support: {purpose: p, tools: [mail.send], limits: {leaving: {records: 3}}}}
"""


def test_caps_on_what_leaves_are_read_at_every_level() -> None:
    found = rules(LEAVING)
    assert found.limits.leaving == (LeavingCap(bytes=1000, window_ms=DAY),)
    assert found.servers[ServerId("mail")].limits.leaving == (
        LeavingCap(records=5),
        LeavingCap(records=9, window_ms=3_600_000, since=Sensitivity.PUBLIC),
    )
    assert found.tools[ToolId("mail.send")].limits.leaving == (LeavingCap(bytes=7, records=8, since=Sensitivity.REGULATED),)
    assert found.agents[AgentId("support")].limits.leaving == (LeavingCap(records=3),)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{bytes: 1000, per: day}", "{per: day}", "needs `bytes`, `records` or both"),
        ("{bytes: 1000, per: day}", "{bytes: 0}", "limits.leaving.bytes"),
        ("{records: 9, per: hour, from: public}", "{records: 9, from: public}", "for the same span already"),
        ("from: regulated", "from: secret", "limits.leaving.from"),
        ("leaving: {records: 3}", "leaving: {rows: 3}", "rows"),
    ],
)
def test_caps_on_what_leaves_that_say_nothing_are_refused(old: str, new: str, says: str) -> None:
    assert LEAVING.count(old) == 1
    with pytest.raises(ConfigError) as caught:
        rules(LEAVING.replace(old, new))
    assert says in str(caught.value)


WALL = """\
version: 1
models: {{upstreams: {{vendor: {{url: https://models.example}}}}}}
agents: {{dev: {{purpose: code, limits: {{wall_clock: {}}}}}}}
"""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("1h", (3600, True)),
        ("{cap: 1h}", (3600, True)),
        ("{cap: 1h, pauses: counted}", (3600, True)),
        ("{cap: 90m, pauses: free}", (5400, False)),
    ],
)
def test_a_wall_clock_counts_pauses_unless_it_says_that_they_are_free(said: str, expected: tuple[int, bool]) -> None:
    limits = rules(WALL.format(said)).agents[AgentId("dev")].limits
    assert (limits.wall_clock_s, limits.counts_pauses) == expected


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("{pauses: free}", "limits.wall_clock: missing key `cap`"),
        ("{cap: 1h, pauses: never}", "limits.wall_clock.pauses: expected one of `counted`, `free`"),
        ("{cap: soon}", "limits.wall_clock.cap: expected a duration"),
        ("[1h]", "limits.wall_clock: expected a duration such as `1h`, or `{cap: 1h, pauses: free}`"),
    ],
)
def test_a_wall_clock_that_cannot_be_read_is_refused(said: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        rules(WALL.format(said))
