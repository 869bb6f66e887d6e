"""`alerts:`: who is told what, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringfence.app.config.alert_settings import PAGERDUTY, MailSecurity, MailSettings, PagerDutySettings
from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import Loaded
from ringfence.app.redaction import references
from ringfence.errors import ConfigError
from ringfence.ports.notifier import AlertKind
from ringfence.ports.secrets import SecretRef

DOCS = Path(__file__).parents[2] / "docs" / "alerts.md"
FILE = """\
version: 1
alerts:
  burn: {within: 45m}
  webhooks: [{url: "https://hook.example", ends: true}]
  pagerduty:
    - {key: {from: "env:PD"}, kinds: [kill]}
    - {key: {from: "env:PD_EU"}, url: "https://events.eu.pagerduty.com/v2/enqueue"}
  email:
    - server: "smtp.example:587"
      from: ringfence@gate.example
      to: [ops@x.example, night@x.example, ops@x.example]
      user: ringfence
      password: {from: "file:smtp"}
      ca: authorities.pem
    - {server: "127.0.0.1:25", tls: none, from: r@x.example, to: [o@x.example], ends: true}
"""


def load(text: str = FILE) -> Loaded:
    return parse_config(text.encode(), Path("/etc/rf/ringfence.yaml"))


def test_receivers_become_settings() -> None:
    found = load()
    assert found.rules.burn_within_ms == 45 * 60_000
    assert [hook.ends for hook in found.alerts.webhooks] == [True]
    assert found.alerts.pagerduty == (
        PagerDutySettings(key=SecretRef("env:PD", "/etc/rf"), url=PAGERDUTY, kinds=frozenset({AlertKind.KILL})),
        PagerDutySettings(key=SecretRef("env:PD_EU", "/etc/rf"), url="https://events.eu.pagerduty.com/v2/enqueue"),
    )
    assert found.alerts.email == (
        MailSettings(
            host="smtp.example",
            port=587,
            ca=Path("/etc/rf/authorities.pem"),
            sender="ringfence@gate.example",
            to=("ops@x.example", "night@x.example"),
            user="ringfence",
            password=SecretRef("file:smtp", "/etc/rf"),
        ),
        MailSettings(
            host="127.0.0.1", port=25, security=MailSecurity.NONE, sender="r@x.example", to=("o@x.example",), ends=True
        ),
    )


def test_their_secrets_are_known_before_anything_is_said() -> None:
    assert {ref.source for ref in references(load())} == {"env:PD", "env:PD_EU", "file:smtp"}


@pytest.mark.parametrize(("burn", "within"), [("", 1_800_000), ("burn: true", 1_800_000), ("burn: false", 0)])
def test_the_pace_is_watched_unless_that_is_switched_off(burn: str, within: int) -> None:
    assert load(f"version: 1\nalerts: {{{burn}}}\n").rules.burn_within_ms == within


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("      user: ringfence\n", "", "alerts.email[0]: `user` and `password` go together"),
        ("smtp.example:587", "smtp.example:70000", "there is no port 70000"),
        ("smtp.example:587", "smtp.example", "expected a mail server `HOST:PORT`"),
        ("      ca: auth", "      tls: none\n      ca: auth", "a password is not sent to another machine without TLS"),
        ("      ca: auth", "      tls: none\n      ca: auth", "`ca` goes with TLS"),
        ("from: ringfence@gate.example", "from: ringfence", "expected an e-mail address"),
        ("to: [ops@x.example", 'to: ["a@x.example\\nBcc: b@x.example"', "control or invisible characters"),
        ("to: [ops@x.example", 'to: ["Ann <a@x.example>"', "expected an e-mail address"),
        ("to: [ops@x.example, night@x.example, ops@x.example]", "to: []", "expected 1 to 50 items"),
        ('{key: {from: "env:PD"}, kinds', "{kinds", "missing key `key`"),
        ('key: {from: "env:PD"}', "key: 0123456789abcdef", "expected a mapping"),
        ('url: "https://events', 'url: "ftp://events', "expected an http or https URL"),
        ("{within: 45m}", "{within: 5s}", "expected a duration from 1m"),
        ("kinds: [kill]", "kinds: [test]", "expected one of"),
    ],
)
@pytest.mark.requirement("I16")
def test_what_cannot_be_meant_is_refused(old: str, new: str, why: str) -> None:
    assert old in FILE
    with pytest.raises(ConfigError) as caught:
        load(FILE.replace(old, new, 1))
    assert why in str(caught.value)
    assert "0123456789abcdef" not in str(caught.value)


def test_mail_in_the_clear_to_another_machine_is_warned_of() -> None:
    found = load(FILE.replace('"127.0.0.1:25"', '"smtp.example:25"'))
    assert [warning for warning in found.warnings if "mail without TLS" in warning]
    assert not [warning for warning in load().warnings if "mail" in warning]


def test_every_example_of_the_documentation_is_valid() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        load(example if "version:" in example else f"version: 1\n{example}")


def test_the_documentation_names_every_kind() -> None:
    table = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| `")]
    named = {name for line in table for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])}
    assert {kind.value for kind in AlertKind} <= named
