"""Every reason has words, a smallest change, and a line in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringfence.app.config import layout
from ringfence.app.config.layout import AGENT, FILE, TOOL
from ringfence.app.config.limits_layout import AGENT_LIMITS, GATEWAY_LIMITS, TOOL_LIMITS
from ringfence.app.config.local_layout import LOCAL
from ringfence.app.config.models_layout import MODELS
from ringfence.app.config.permissions_layout import PERMISSIONS
from ringfence.app.config.shapes import Record
from ringfence.core.explaining.changes import Lever, Subject, smallest_change
from ringfence.core.explaining.meanings import meaning
from ringfence.core.explaining.rule_class import class_of
from ringfence.core.model.verdict import ReasonCode

ROOT = Path(__file__).parents[2]
SUBJECT = Subject(agent="support", tool="payments.refund", run="r_1", ticket="t_1")
_ROW = re.compile(r"^\| `([a-z_]+)` \| [^|]+ \| `([a-z_]+)`: [^|]+ \| [^|]+ \|$", re.MULTILINE)


@pytest.mark.requirement("I20")
@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_is_said_in_words_with_its_smallest_change(code: ReasonCode) -> None:
    assert meaning(code)
    change = smallest_change(code, SUBJECT)
    assert change.text
    assert (change.lever is Lever.CONFIGURATION) == bool(change.path)


def test_no_two_reasons_mean_the_same() -> None:
    assert len({meaning(code) for code in ReasonCode}) == len(ReasonCode)


@pytest.mark.parametrize("code", ReasonCode)
def test_a_path_names_a_key_that_the_configuration_has(code: ReasonCode) -> None:
    path = smallest_change(code, SUBJECT).path
    if path == "policies":
        assert path in layout.FILE.keys
        return
    if path.startswith("agents.support."):
        names = path.removeprefix("agents.support.").split(".")
        assert names[0] in AGENT.keys
        within = {"limits": AGENT_LIMITS, "permissions": PERMISSIONS, "local": LOCAL}.get(names[0])
        for name in names[1:]:
            assert within is not None
            shape = within.keys[name].shape
            within = shape if isinstance(shape, Record) else None
    elif path.startswith('tools."payments.refund".limits.'):
        assert "limits" in TOOL.keys
        assert path.rpartition(".")[2] in TOOL_LIMITS.keys
    elif path.startswith("models."):
        assert "models" in FILE.keys
        assert path.removeprefix("models.") in MODELS.keys
    elif path.startswith("limits."):
        assert "limits" in FILE.keys
        assert path.removeprefix("limits.") in GATEWAY_LIMITS.keys
    elif path:
        assert path == 'tools."payments.refund"' or path.removeprefix('tools."payments.refund".') in TOOL.keys


def test_a_derived_tool_stands_under_its_own_key() -> None:
    derived = Subject(agent="support", tool="orders.status", derived=True)
    assert smallest_change(ReasonCode.ARGUMENTS, derived).path == 'derived."orders.status".tighten'


def test_the_documentation_lists_every_reason_once_with_what_the_agent_sees() -> None:
    documented = _ROW.findall((ROOT / "docs" / "reasons.md").read_text("utf-8"))
    assert sorted(documented) == sorted((code.value, class_of(code).value) for code in ReasonCode)


@pytest.mark.parametrize("code", [ReasonCode.RULE_OF_TWO, ReasonCode.CLEARANCE])
def test_a_clearance_is_said_where_the_sink_is_described(code: ReasonCode) -> None:
    assert smallest_change(code, Subject(agent="support", tool="mail.send")).path == 'tools."mail.send".clearance'
    assert smallest_change(code, Subject(agent="support", tool="egress.connect")).path == "agents.support.egress.hosts"
