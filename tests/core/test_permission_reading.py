"""A permission rule is read as it is written, or refused with where it goes wrong; nothing is dropped in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.model.permissions import Listed, Speaks
from ringfence.core.permissions.reading import Fault, Read, is_compound, read_rule

READ: dict[str, tuple[Speaks, str, str, str]] = {
    "Bash": (Speaks.TOOL, "Bash", "", ""),
    "Bash(*)": (Speaks.TOOL, "Bash", "", ""),
    "Bash(npm test)": (Speaks.COMMAND, "Bash", "npm test", ""),
    "Bash(npm run:*)": (Speaks.COMMAND, "Bash", "npm run:*", ""),
    "Bash(npm:*)": (Speaks.COMMAND, "Bash", "npm:*", ""),
    "Bash(a && b)": (Speaks.COMMAND, "Bash", "a && b", ""),
    "Read(~/.ssh/**)": (Speaks.PATH, "Read", "~/.ssh/**", ""),
    "Edit(/infra/**)": (Speaks.PATH, "Edit", "/infra/**", ""),
    "Edit(my notes.txt)": (Speaks.PATH, "Edit", "my notes.txt", ""),
    "Write(./x)": (Speaks.PATH, "Edit", "./x", ""),
    "NotebookEdit(*.ipynb)": (Speaks.PATH, "Edit", "*.ipynb", ""),
    "Glob(secrets/**)": (Speaks.PATH, "Read", "secrets/**", ""),
    "WebFetch(domain:Docs.Example.)": (Speaks.DOMAIN, "WebFetch", "docs.example", ""),
    "WebFetch(domain:*.b.example)": (Speaks.DOMAIN, "WebFetch", "*.b.example", ""),
    "mcp__orders": (Speaks.TOOL, "mcp__orders", "", ""),
    "mcp__orders__*": (Speaks.TOOL, "mcp__orders__*", "", ""),
    "mcp__orders__refund": (Speaks.TOOL, "mcp__orders__refund", "", ""),
    "*": (Speaks.TOOL, "*", "", ""),
    "Agent(Explore)": (Speaks.NAME, "Agent", "Explore", ""),
    "Task(Explore)": (Speaks.NAME, "Agent", "Explore", ""),
    "Skill(release)": (Speaks.NAME, "Skill", "release", ""),
    "Agent(model:opus)": (Speaks.PARAMETER, "Agent", "opus", "model"),
    "Bash(run_in_background:true)": (Speaks.PARAMETER, "Bash", "true", "run_in_background"),
    "mcp__orders__refund(currency:USD)": (Speaks.PARAMETER, "mcp__orders__refund", "USD", "currency"),
    "Bash(command:rm *)": (Speaks.COMMAND, "Bash", "rm *", ""),
}


@pytest.mark.parametrize("text", READ)
def test_a_rule_says_what_it_is_about(text: str) -> None:
    read = read_rule(text, Listed.DENY)
    assert isinstance(read, Read)
    assert read.rule is not None
    assert (read.rule.speaks, read.rule.tool, read.rule.pattern, read.rule.parameter) == READ[text]
    assert read.rule.text == text


FAULTS = {
    "": (0, "tool's name"),
    "Bash(": (5, "`)`"),
    "Bash(ls": (7, "`)`"),
    "Bash()": (5, "something in the brackets"),
    "Bash( )": (5, "something in the brackets"),
    " Bash(ls)": (0, "blanks"),
    "Bash(ls) ": (8, "blanks"),
    "bash(ls)": (0, "nearest known: `Bash`"),
    "Bsah(ls)": (0, "nearest known: `Bash`"),
    "rm(-rf *)": (0, "`Bash(rm ...)`"),
    "Bash;ls": (4, "tool's name"),
    "(ls)": (0, "tool's name"),
    "mcp__": (5, "server's name"),
    "mcp__*(x)": (6, "no brackets"),
    "WebFetch(https://docs.example/)": (9, "`domain:`"),
    "WebFetch(domain:)": (16, "host"),
    "WebFetch(domain:a b)": (16, "host"),
    "Read(!.env)": (5, "no `!`"),
    "Read(../x)": (5, "`..`"),
    "Read(a/../x)": (7, "`..`"),
    "Read(a/[b)": (7, "`]`"),
    "Read(x\\)": (6, "after `\\`"),
    "Agent(model:)": (12, "value"),
    "TodoWrite(x)": (10, "argument:value"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_no_rule_is_refused_with_the_place(text: str) -> None:
    read = read_rule(text, Listed.DENY)
    assert isinstance(read, Fault)
    offset, words = FAULTS[text]
    assert read.offset == offset
    assert words in read.message


IDLE = {
    "*": "allows nothing",
    "mcp__*": "allows nothing",
    "Write(/src/**)": "write `Edit(/src/**)`",
    "Bash(command:rm *)": "write `Bash(rm *)`",
    "Agent(model:opus)": "`deny` and `ask` only",
    "Bash(git fetch && git *)": "a rule of its own",
    "Cd(/x)": "means nothing here",
}


@pytest.mark.parametrize("text", IDLE)
def test_what_allows_nothing_is_said_aloud(text: str) -> None:
    read = read_rule(text, Listed.ALLOW)
    assert isinstance(read, Read)
    assert read.rule is None
    assert IDLE[text] in read.remark


@pytest.mark.parametrize("text", ["Write(/src/**)", "Bash(command:rm *)", "Glob(x)"])
def test_what_the_client_passes_over_counts_where_it_is_stricter_and_is_said_aloud(text: str) -> None:
    read = read_rule(text, Listed.DENY)
    assert isinstance(read, Read)
    assert read.rule is not None
    assert "counts here as" in read.remark


def test_a_tool_that_nobody_knows_is_kept_by_its_name_and_said_aloud() -> None:
    read = read_rule("Frobnicate", Listed.DENY)
    assert isinstance(read, Read)
    assert read.rule is not None
    assert "exactly this name" in read.remark


def test_a_compound_is_told_from_quoted_separators() -> None:
    assert is_compound("a && b")
    assert is_compound("curl * | sh")
    assert not is_compound("git commit -m 'a; b'")
    assert not is_compound("make test 2>&1")


@given(st.text(max_size=60), st.sampled_from(list(Listed)))
def test_any_text_is_a_rule_or_a_fault_within_it(text: str, listed: Listed) -> None:
    read = read_rule(text, listed)
    if isinstance(read, Fault):
        assert 0 <= read.offset <= len(text)
        assert read.message.isprintable()
    else:
        assert read.rule is not None or read.remark
