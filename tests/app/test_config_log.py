"""`log:` in the configuration: what it may say, and what it gives."""

from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import LogSettings
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import COSIGNATURE, ED25519
from ringfence.errors import ConfigError
from ringfence.ports.secrets import SecretRef

WITNESS = str(VerifierKey("w.example", COSIGNATURE, bytes(range(32))))
LOG_KEY = str(VerifierKey("ringfence.log", ED25519, bytes(range(32))))


def log_of(text: str) -> LogSettings:
    return parse_config(f"version: 1\nlog:\n{text}".encode(), Path("/etc/ringfence/ringfence.yaml")).log


def fault_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        log_of(text)
    return str(caught.value)


def test_everything_that_can_be_said() -> None:
    log = log_of(
        f"""
  witnesses:
    - {{url: https://w.example/w, key: {WITNESS}}}
  anchors:
    - file: /mnt/anchor
    - {{git: heads, remote: origin}}
    - {{webhook: "https://h.example/x", secret: {{from: "env:SECRET"}}}}
  forward:
    - {{ocsf: "https://siem.example/in", headers: {{Authorization: {{from: "env:TOKEN"}}}}, bodies: true}}
    - {{syslog: "tls://siem.example:6514", ca: ca.pem}}
  retention: {{bodies: 90d}}
"""
    )
    assert log.quorum == 1
    assert str(log.witnesses[0].key) == WITNESS
    assert log.anchors[0].file == Path("/mnt/anchor")
    assert (log.anchors[1].git, log.anchors[1].branch, log.anchors[1].remote) == (
        Path("/etc/ringfence/heads"),
        "ringfence-log",
        "origin",
    )
    assert log.anchors[2].secret == SecretRef("env:SECRET", "/etc/ringfence")
    assert log.forward[0].bodies
    assert log.forward[0].headers == {"Authorization": SecretRef("env:TOKEN", "/etc/ringfence")}
    assert log.forward[1].ca == Path("/etc/ringfence/ca.pem")
    assert log.keep_bodies_s == 90 * 86_400
    assert "h.example" not in repr(log.anchors)


@pytest.mark.parametrize(
    ("section", "twice"),
    [
        ("anchors", "{file: /mnt/a}"),
        ("anchors", "{git: heads}"),
        ("anchors", '{webhook: "https://h.example/x"}'),
        ("forward", '{ocsf: "https://siem.example/in"}'),
        ("forward", '{syslog: "tls://siem.example:6514"}'),
    ],
)
def test_of_two_at_one_place_none_is_left_out_in_silence(section: str, twice: str) -> None:
    said = fault_of(f"  {section}:\n    - {twice}\n    - {twice}\n")
    assert f"log.{section}[1]: is there already" in said


def test_one_repository_takes_heads_on_two_branches_and_one_host_two_webhooks() -> None:
    log = log_of(
        """
  anchors:
    - {git: heads, branch: a}
    - {git: heads, branch: b}
    - {webhook: "https://h.example/x"}
    - {webhook: "https://h.example/y"}
"""
    )
    assert len(log.anchors) == 4


def test_nothing_is_asked_for_where_nothing_is_said() -> None:
    assert parse_config(b"version: 1\n", Path("x.yaml")).log == LogSettings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"  witnesses: [{{url: 'https://w', key: {LOG_KEY}}}]", "the key of a log"),
        (f"  witnesses: [{{url: 'https://w', key: {WITNESS.replace('w.', 'v.')}}}]", "id is not the key's"),
        ("  witnesses: [{url: 'https://w', key: nonsense}]", "a verifier key"),
        (f"  witnesses: [{{url: 'https://a', key: {WITNESS}}}, {{url: 'https://b', key: {WITNESS}}}]", "a second witness"),
        ("  quorum: 1", "a quorum of 1 of 0 witnesses"),
        ("  anchors: [{file: a, git: b}]", "expected one of"),
        ("  anchors: [{branch: b}]", "expected one of"),
        ("  anchors: [{file: a, remote: b}]", "`remote` goes with `git`"),
        ("  anchors: [{git: a, branch: '-x'}]", "a branch name"),
        ("  anchors: [{git: a, remote: '--upload-pack=x'}]", "a remote's name"),
        ("  anchors: [{webhook: 'ftp://x'}]", "an http or https URL"),
        ("  forward: [{bodies: true}]", "expected one of"),
        ("  forward: [{ocsf: 'https://a', ca: b}]", "`ca` goes with `syslog`"),
        ("  forward: [{syslog: 'tcp://a:0'}]", "a port"),
        ("  forward: [{syslog: 'tcp://a:99999'}]", "a port"),
        ("  forward: [{syslog: 'http://a:1'}]", "`udp://`"),
        ("  retention: {bodies: 1h}", "a duration from 1d"),
        ("  retain: 1d", "retain"),
    ],
)
def test_a_fault_is_named(text: str, said: str) -> None:
    assert said in fault_of(text)


def test_what_travels_in_clear_to_another_machine_is_warned_of() -> None:
    loaded = parse_config(
        b"version: 1\nlog: {forward: [{syslog: 'udp://10.0.0.1:514'}, {syslog: 'udp://127.0.0.1:514'}]}\n", Path("x.yaml")
    )
    assert len([warning for warning in loaded.warnings if "syslog without TLS" in warning]) == 1
