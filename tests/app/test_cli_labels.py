"""`ringfence endorse`, `declassify`, `labels` and `run say` against a real control socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.cli_kit import Office, office

pytestmark = pytest.mark.requirement("I10")


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        yield opened


def tainted(at: Office) -> str:
    """An open run that has read what nobody vouches for."""
    run = at("run", "start", "--agent", "support", "--task", "ticket 7", "--json").json
    at.run(at.world.call(run["credential"], "orders__get", {"order": "A1"}))
    return run["run"]


def test_a_run_is_endorsed_and_declassified_with_a_reason(at: Office) -> None:
    run = tainted(at)
    assert "untrusted, internal" in at("run", "show", run).out
    assert at("endorse", run).code == 2
    endorsed = at("endorse", run, "--reason", "read it")
    assert (endorsed.code, endorsed.err) == (0, "")
    assert "untrusted, internal -> trusted, internal (e" in endorsed.out
    assert "answers for" in endorsed.out
    assert (
        at("declassify", run, "--to", "public", "--reason", "published", "--json").json["after"]["confidentiality"] == "public"
    )
    again = at("endorse", run, "--reason", "once more")
    assert (again.code, "already" in again.err) == (1, True)


def test_it_has_to_be_said_whose_label(at: Office) -> None:
    assert at("endorse", "--reason", "r").code == 2
    assert at("endorse", "r_x", "--agent", "support", "--reason", "r").code == 2
    assert at("endorse", "r_none", "--reason", "r").code == 1
    assert at("declassify", "r_none", "--to", "secret", "--reason", "r").code == 1


def test_what_outlives_runs_is_listed_and_endorsed(at: Office) -> None:
    run = at.run(at.world.open_run(by="agent:support"))
    at.run(at.world.call(run, "orders__get", {"order": "A1"}))
    assert "support" in at("labels").out
    done = at("endorse", run.run.id, "--reason", "read it")
    assert "the next run that the agent opens itself begins as untrusted, internal all the same" in done.out
    assert at("endorse", "--agent", "support", "--reason", "wiped", by="bo").code == 1
    assert at("endorse", "--agent", "support", "--reason", "wiped").code == 0
    (place,) = at("labels", "--json").json["labels"]
    assert place["label"]["integrity"] == "trusted"


def test_a_run_goes_on_from_another_with_its_label(at: Office) -> None:
    run = tainted(at)
    answer = at("run", "start", "--agent", "support", "--task", "go on", "--continues", run, "--with-words")
    assert "untrusted, internal" in answer.out
    assert at("run", "start", "--agent", "support", "--task", "go on", "--with-words").code == 2


def test_words_come_from_the_command_line_a_file_or_standard_input(at: Office, tmp_path: Path) -> None:
    run = tainted(at)
    written = tmp_path / "words.txt"
    written.write_text("from a file")
    assert at("run", "say", run, "from the command line").code == 0
    assert at("run", "say", run, "--file", str(written)).code == 0
    assert at("run", "say", run, "--file", "-", given="from standard input").code == 0
    said = at("run", "show", run, "--json").json["words"]
    assert [one["text"] for one in said] == ["from the command line", "from a file", "from standard input"]
    assert "operator:ada" in at("run", "show", run).out
    assert at("run", "say", run, "x", "--file", str(written)).code == 2
    assert at("run", "say", run, "--file", str(tmp_path / "none")).code == 2
