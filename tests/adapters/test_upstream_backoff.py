"""How long a failing server is left alone, and what operators see of its last words."""

import pytest

from ringfence.adapters.upstream.backoff import Backoff, jitter_of
from ringfence.adapters.upstream.last_words import last_lines


class Time:
    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at


def waits(backoff: Backoff, failures: int) -> list[float]:
    found: list[float] = []
    for _ in range(failures):
        backoff.failed("gone")
        found.append(backoff.wait_s)
    return found


def test_each_failure_doubles_the_wait_up_to_the_cap() -> None:
    assert waits(Backoff(0.5, 30.0, Time().now), 9) == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_very_long_row_of_failures_stays_at_the_cap() -> None:
    assert waits(Backoff(0.5, 30.0, Time().now), 5000)[-1] == 30.0


def test_jitter_takes_off_at_most_half() -> None:
    assert waits(Backoff(4.0, 30.0, Time().now, lambda: 0.5), 2) == [3.0, 6.0]
    assert waits(Backoff(4.0, 30.0, Time().now, lambda: 0.999), 1)[0] == pytest.approx(2.0, abs=0.01)


def test_jitter_comes_from_the_whole_range_of_the_entropy() -> None:
    class Given:
        def __init__(self, *values: bytes) -> None:
            self.values = list(values)

        def token(self, nbytes: int) -> bytes:
            assert nbytes == 4
            return self.values.pop(0)

    jitter = jitter_of(Given(b"\0\0\0\0", b"\x80\0\0\0", b"\xff\xff\xff\xff"))
    assert (jitter(), jitter()) == (0.0, 0.5)
    assert 0.999 < jitter() < 1.0


def test_the_wait_runs_off_and_a_success_forgets_it() -> None:
    time = Time()
    backoff = Backoff(1.0, 30.0, time.now)
    backoff.failed("gone")
    time.at += 0.75
    assert (backoff.wait_s, backoff.failing_s) == (0.25, 0.75)
    time.at += 5.0
    assert (backoff.wait_s, backoff.failures, backoff.why) == (0.0, 1, "gone")
    backoff.failed("gone again")
    assert backoff.wait_s == 2.0
    backoff.succeeded()
    assert (backoff.wait_s, backoff.failures, backoff.failing_s, backoff.why) == (0.0, 0, None, "")
    backoff.failed("gone")
    assert backoff.wait_s == 1.0


def test_some_failures_may_be_free_and_some_need_no_wait() -> None:
    assert waits(Backoff(1.0, 30.0, Time().now, free=1), 3) == [0.0, 1.0, 2.0]
    backoff = Backoff(1.0, 30.0, Time().now)
    backoff.failed("refused", waits=False)
    assert (backoff.wait_s, backoff.failures) == (0.0, 1)


# --- last words


def test_no_control_character_of_a_server_reaches_an_operator() -> None:
    assert last_lines(b"one\x1b[2J\x07\r\n\ntwo\xe2\x80\xaegnp.exe\n\xff\n") == (
        "one<U+001B>[2J<U+0007>",
        "two<U+202E>gnp.exe",
        "\N{REPLACEMENT CHARACTER}",
    )


def test_lines_are_bounded_in_number_and_length() -> None:
    lines = last_lines(b"".join(b"%d " % n + b"x" * 1000 + b"\n" for n in range(100)))
    assert len(lines) == 20
    assert all(len(line) <= 300 for line in lines)
    assert lines[-1].startswith("99 x")


@pytest.mark.requirement("I9")
def test_what_a_server_was_given_as_secret_is_masked_whole_and_never_shown_in_part() -> None:
    said = b"login with hunter2-token\nno: hunter2 and hunter2-token-long\nPORT 80\n"
    assert last_lines(said, ("hunter2", "hunter2-token", "hunter2-token-long", "80")) == (
        "login with [hidden]",
        "no: [hidden] and [hidden]",
        "PORT 80",
    )
    assert last_lines(b"er2-token-long\nfine\n", ("hunter2-token-long",), is_cut=True) == ("fine",)
