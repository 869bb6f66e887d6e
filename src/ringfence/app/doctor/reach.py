"""Judges who reaches what: the posture, the control plane, credentials that are bound to nobody, and what was not seen."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ringfence.app.config.connections import is_loopback
from ringfence.app.config.settings import Loaded
from ringfence.app.doctor.facts import Facts
from ringfence.app.doctor.findings import Code, Finding, Severity
from ringfence.app.posture import posture_because, shares_user

_MOST_RUNS = 20


def unusable(facts: Facts) -> Iterator[Finding]:
    """A configuration that is refused."""
    if facts.faults:
        yield Finding(
            code=Code.CONFIG_UNUSABLE,
            severity=Severity.SERIOUS,
            what="The configuration is refused; nothing that depends on it was judged.",
            where=facts.faults,
            remedy="`ringfence config check FILE`, then run this again",
        )


def posture(facts: Facts) -> Iterator[Finding]:
    """Agents that may run as the gateway's user."""
    if facts.loaded is None:
        return
    agents = facts.loaded.rules.agents.values()
    if because := posture_because((agent for agent in agents if shares_user(agent, facts.gateway_uid)), facts.gateway_uid):
        yield Finding(
            code=Code.POSTURE_SHARED,
            severity=Severity.SERIOUS,
            what="A shell of these agents could read the gateway's keys and secrets, use its control socket and end it: the "
            "boundary is advisory for them.",
            where=because,
            remedy="run the gateway under a user of its own and name the agents' users (`users:`), or declare `only_mcp: true` "
            "for agents that have neither shell nor files",
        )


def control_plane(facts: Facts) -> Iterator[Finding]:
    """People's side, where more than people's own socket reaches it."""
    host = urlsplit(facts.control_url).hostname or ""
    if facts.control_url and not is_loopback(host):
        yield _on_network(facts.control_url, "people's side listens on an address that other machines reach", Severity.SERIOUS)
    elif facts.control_url:
        yield Finding(
            code=Code.CONTROL_ON_TCP,
            severity=Severity.NOTICE,
            what="People's side listens on a local port; every process here, an agent's too, reaches its login.",
            where=(facts.control_url,),
            remedy="leave `--control-port` out where the unix socket is enough",
        )
    public = facts.loaded.control.public_url if facts.loaded is not None else ""
    if public and not is_loopback(urlsplit(public).hostname or ""):
        is_open = urlsplit(public).scheme == "http"
        said = "people's side is published" + (" without TLS: whoever is on the way reads credentials" if is_open else "")
        yield _on_network("control.public_url", said, Severity.SERIOUS if is_open else Severity.NOTICE)


def _on_network(where: str, what: str, severity: Severity) -> Finding:
    return Finding(
        code=Code.CONTROL_ON_NETWORK,
        severity=severity,
        what=f"{what[0].upper()}{what[1:]}.",
        where=(where,),
        remedy="publish it with TLS, to people's networks only, never to machines or boxes that agents run on",
    )


def anonymous(facts: Facts) -> Iterator[Finding]:
    """The agent that needs no credential."""
    agent = facts.loaded.rules.anonymous if facts.loaded is not None else None
    if agent is not None:
        yield Finding(
            code=Code.ANONYMOUS_AGENT,
            severity=Severity.WARNING,
            what=f"Whoever connects from this machine without a credential is {agent.id}, also through a proxy that runs here.",
            where=(f"agents.{agent.id}.unsafe_anonymous",),
            remedy="use `ringfence connect`, and take `unsafe_anonymous` away",
        )


def unbound(facts: Facts) -> Iterator[Finding]:
    """Credentials that whoever learns them can use."""
    runs = [run for run in facts.runs if run.is_unbound]
    is_remote = facts.loaded is not None and not is_loopback(facts.loaded.listen.address)
    if runs:
        named = tuple(f"run {run.id} ({run.agent}{', standing' if run.is_standing else ''})" for run in runs[:_MOST_RUNS])
        yield Finding(
            code=Code.UNBOUND_BEARER,
            severity=Severity.SERIOUS if is_remote else Severity.WARNING,
            what=f"{len(runs)} open {'run has' if len(runs) == 1 else 'runs have'} a credential that is bound to nobody"
            + (", and other machines reach the gateway." if is_remote else "."),
            where=named,
            remedy="open runs with `ringfence connect`, `--bind` or `--dpop-jkt`; close these: `ringfence run close RUN`",
        )
    if facts.loaded is not None:
        yield from _may_be_unbound(facts.loaded, is_remote)


def _may_be_unbound(loaded: Loaded, is_remote: bool) -> Iterator[Finding]:
    """Ways in that the configuration leaves to bearers."""
    tls = loaded.listen.tls
    if is_remote and (tls is None or tls.client_ca is None or not tls.client_certs_required):
        yield Finding(
            code=Code.UNBOUND_BEARER,
            severity=Severity.WARNING,
            what="Other machines reach the gateway without a client certificate, so a stolen bearer can be used from anywhere.",
            where=("listen.tls",),
            remedy="set `client_ca` with `client_certs: required`, or open runs with `--dpop-jkt` only",
        )
    if loaded.identity.issuers and not (tls and tls.client_ca and tls.client_certs_required):
        agents = sorted(
            {agent for issuer in loaded.identity.issuers for values in issuer.agents.values() for agent in values.values()}
        )
        yield Finding(
            code=Code.UNBOUND_BEARER,
            severity=Severity.NOTICE,
            what=f"A token for {', '.join(agents)} is a bearer, unless its issuer binds it (`cnf`).",
            where=tuple(f"identity.issuers: {issuer.url}" for issuer in loaded.identity.issuers),
            remedy="let the issuer bind tokens to a DPoP key or a client certificate (docs/credentials.md)",
        )


def unseen(facts: Facts) -> Iterator[Finding]:
    """What could not be looked at."""
    for gap in facts.unseen:
        yield Finding(
            code=Code.NOT_LOOKED_AT,
            severity=Severity.NOTICE,
            what=f"Not looked at: {gap.why}.",
            where=(gap.what,),
            remedy="run this as the gateway's user, or look at it by hand",
        )
