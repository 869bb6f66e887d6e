"""`telemetry:` in the configuration: what it may say, what it gives, and what is never shown of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.app.config import telemetry_section
from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import Loaded
from ringfence.app.redaction import literal_secrets, references
from ringfence.errors import ConfigError
from ringfence.ports.secrets import SecretRef


def loaded(otlp: str) -> Loaded:
    return parse_config(f"version: 1\ntelemetry:\n  otlp: {otlp}\n".encode(), Path("/etc/ringfence/ringfence.yaml"))


def fault_of(otlp: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(otlp)
    return str(caught.value)


def test_everything_that_can_be_said() -> None:
    given = loaded('{endpoint: "https://otel.example:4318/", headers: {x-token: {from: "env:TOKEN"}}, sample: 0.25}')
    assert given.otlp is not None
    assert (given.otlp.endpoint, given.otlp.sample) == ("https://otel.example:4318", 0.25)
    assert given.otlp.headers == {"x-token": SecretRef("env:TOKEN", "/etc/ringfence")}
    assert SecretRef("env:TOKEN", "/etc/ringfence") in references(given)
    assert "otel.example" not in repr(given.otlp)


def test_a_scrapers_token_is_a_reference_and_never_written_into_the_file() -> None:
    def of(token: str) -> Loaded:
        return parse_config(f"version: 1\ntelemetry:\n  metrics: {{token: {token}}}\n".encode(), Path("/etc/rf/ringfence.yaml"))

    given = of('{from: "file:scrape.token"}')
    assert given.scrape_token == SecretRef("file:scrape.token", "/etc/rf")
    assert given.scrape_token in references(given)
    with pytest.raises(ConfigError):
        of("letmein-letmein-letmein")


def test_nothing_is_sent_where_nothing_is_said_and_all_of_it_where_no_part_is() -> None:
    assert parse_config(b"version: 1\n", Path("/r.yaml")).otlp is None
    given = loaded("{endpoint: https://otel.example}").otlp
    assert given is not None
    assert (given.sample, given.headers) == (1.0, {})


@pytest.mark.parametrize(
    ("otlp", "expected"),
    [
        ("{}", "missing key `endpoint`"),
        ("{endpoint: otel.example}", "an http or https URL"),
        ("{endpoint: https://otel.example/v1/traces}", "without `/v1/traces`"),
        ("{endpoint: https://me:pw@otel.example}", "holds a user name or password"),
        ("{endpoint: https://otel.example, sample: 1.5}", "a number from 0 to 1"),
        ("{endpoint: https://otel.example, sample: -1}", "a decimal number"),
        ("{endpoint: https://otel.example, header: {}}", "headers"),
    ],
)
def test_what_cannot_be_meant_is_refused(otlp: str, expected: str) -> None:
    assert expected in fault_of(otlp)


def test_without_the_extra_the_file_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_section, "find_spec", lambda _: None)
    assert "pip install 'ringfence[otel]'" in fault_of("{endpoint: https://otel.example}")


def test_a_token_in_the_file_is_kept_out_of_the_log_and_of_the_digest() -> None:
    token = "Bearer 7fb2c91e0a4d48d2a1"
    one, other = (
        loaded(f'{{endpoint: "https://o.example", headers: {{Authorization: "{each}"}}}}') for each in (token, token[::-1])
    )
    assert token in set(literal_secrets(one))
    assert one.digest == other.digest


def test_http_to_another_machine_is_warned_of() -> None:
    assert any("without TLS" in warning for warning in loaded("{endpoint: http://otel.example:4318}").warnings)
    assert loaded("{endpoint: http://127.0.0.1:4318}").warnings == ()
