"""The scraper's token as it is wired: looked up late, compared whole, worth nothing where it is short or missing."""

from __future__ import annotations

import pytest

from ringfence.app.wiring.telemetry import SHORTEST_TOKEN, GatewayTelemetry
from ringfence.engine.secrets.secret_book import KEPT_S, SecretBook
from ringfence.ports.secrets import SecretRef
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.secrets import FakeSecrets

TOKEN = "t" * SHORTEST_TOKEN
AT = SecretRef("env:SCRAPE")


def wired(secrets: FakeSecrets, clock: FakeClock, at: SecretRef | None = AT) -> GatewayTelemetry:
    return GatewayTelemetry(None, at, SecretBook({"env": secrets}, clock))


async def test_the_token_is_admitted_and_nothing_like_it() -> None:
    telemetry = wired(FakeSecrets(SCRAPE=f"{TOKEN}\n"), FakeClock())
    assert await telemetry.admits(TOKEN)
    for shown in ("", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), "é" * SHORTEST_TOKEN):
        assert not await telemetry.admits(shown)


async def test_without_one_nobody_is() -> None:
    telemetry = wired(FakeSecrets(SCRAPE=TOKEN), FakeClock(), None)
    assert not await telemetry.admits(TOKEN)
    assert not await telemetry.admits("")


async def test_one_that_can_be_guessed_opens_nothing_and_people_are_told(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = wired(FakeSecrets(SCRAPE="short"), FakeClock())
    assert not await telemetry.admits("short")
    assert "shorter than 20" in caplog.text
    assert "t" * 20 not in caplog.text


async def test_one_that_cannot_be_had_opens_nothing(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = wired(FakeSecrets(), FakeClock())
    assert not await telemetry.admits(TOKEN)
    assert "nobody can scrape" in caplog.text


async def test_a_rotated_one_counts_within_half_a_minute_and_another_configuration_at_once() -> None:
    clock, secrets = FakeClock(), FakeSecrets(SCRAPE=TOKEN, NEXT="n" * SHORTEST_TOKEN)
    telemetry = wired(secrets, clock)
    assert await telemetry.admits(TOKEN)
    secrets.values["SCRAPE"] = "r" * SHORTEST_TOKEN
    clock.advance(int(KEPT_S * 1000) + 1)
    assert not await telemetry.admits(TOKEN)
    assert await telemetry.admits("r" * SHORTEST_TOKEN)
    telemetry.replace(None, SecretRef("env:NEXT"))
    assert await telemetry.admits("n" * SHORTEST_TOKEN)
    assert not await telemetry.admits("r" * SHORTEST_TOKEN)
