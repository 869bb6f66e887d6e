"""The command line on a terminal: a whole word decides, and nothing less."""

from __future__ import annotations

import codecs
import os
import pty
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from tests.app.cli_kit import Office, office

from ringfence.core.model.ticket import TicketState


class Terminal:
    """A child process on a terminal of its own."""

    def __init__(self, at: Office, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "ringfence", *arguments, "--state", str(at.folder)]
        environment = {**os.environ, "HOME": str(at.folder), "TERM": "dumb", "COLUMNS": "100"}
        self._child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True)
        os.close(theirs)
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self.shown = ""

    def until(self, text: str) -> None:
        """Read until the child has shown the text, once more than before."""
        fresh = ""
        while text not in fresh:
            try:
                chunk = os.read(self._ours, 65536)
            except OSError:  # the child has ended
                chunk = b""
            assert chunk, f"ended without showing {text!r}: {self.shown}{fresh}"
            fresh += self._decode(chunk)
        self.shown += fresh

    def type(self, text: str) -> None:
        os.write(self._ours, f"{text}\r".encode())

    def end(self) -> int:
        try:
            while chunk := os.read(self._ours, 65536):
                self.shown += self._decode(chunk)
        except OSError:
            pass
        return self._child.wait(30)

    def close(self) -> None:
        os.close(self._ours)
        self._child.kill()
        self._child.wait()


@contextmanager
def terminal(at: Office, *arguments: str) -> Generator[Terminal]:
    opened = Terminal(at, *arguments)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        yield opened


@pytest.mark.requirement("I5", "I15")
def test_watching_shows_the_card_in_full_and_takes_only_whole_words(at: Office) -> None:
    ticket = at.run(at.world.ask(at.run(at.world.open_run())))
    with terminal(at, "approvals", "watch", "--once") as screen:
        screen.until("Type the word: ")
        assert "Money leaves the account" in screen.shown
        for half in ("y", "a", "appro"):
            screen.type(half)
            screen.until("Type the word: ")
        current = at.run(at.world.store.ticket(ticket.id))
        assert current is not None
        assert current.votes == ()
        screen.type("approve")
        screen.until("for the log: ")
        screen.type("the order is hers")
        assert screen.end() == 0
    current = at.run(at.world.store.ticket(ticket.id))
    assert current is not None
    assert current.state is TicketState.APPROVED
    assert current.votes[0].reason == "the order is hers"


@pytest.mark.requirement("I5")
def test_enter_alone_skips_and_decides_nothing(at: Office) -> None:
    ticket = at.run(at.world.ask(at.run(at.world.open_run())))
    with terminal(at, "approvals", "watch", "--once") as screen:
        screen.until("Type the word: ")
        screen.type("")
        assert screen.end() == 0
    current = at.run(at.world.store.ticket(ticket.id))
    assert current is not None
    assert current.state is TicketState.PENDING


@pytest.mark.requirement("I5")
def test_approving_one_asks_for_the_word_after_the_card(at: Office) -> None:
    ticket = at.run(at.world.ask(at.run(at.world.open_run())))
    with terminal(at, "approvals", "approve", ticket.id) as screen:
        screen.until("to go on: ")
        screen.type("yes")
        assert screen.end() == 1
    current = at.run(at.world.store.ticket(ticket.id))
    assert current is not None
    assert current.votes == ()


def test_killing_everything_asks_once(at: Office) -> None:
    with terminal(at, "kill", "everything") as screen:
        screen.until("[y/N]: ")
        screen.type("n")
        assert screen.end() == 1
    assert at("stops", "--json").json == {"stops": []}
