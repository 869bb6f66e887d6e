"""What `listen:` and `identity:` ask for, and what a shape alone cannot say about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ringfence.app.config.connections import check_issuer
from ringfence.app.config.names import Report
from ringfence.app.config.problems import Path as Place
from ringfence.app.config.problems import nearest, shown
from ringfence.app.config.settings import ListenSettings, TlsSettings
from ringfence.core.model.issuer import Believed, Issuer


def check_listen(fields: Mapping[str, Any], report: Report) -> None:
    """Every fault of `listen`."""
    tls = fields.get("tls") or {}
    try:
        own = ip_address(fields.get("address", "127.0.0.1")).is_loopback
    except ValueError:
        report(("listen", "address"), "not an IP address")
        return
    if not own and "tls" not in fields:
        report(("listen", "address"), "an address that other machines reach needs `tls`: credentials would travel in the open")
    if "client_certs" in tls and "client_ca" not in tls:
        report(("listen", "tls", "client_certs"), "`client_certs` goes with `client_ca`")


def check_identity(values: Mapping[str, Any], agents: Sequence[str], report: Report, warn: Report) -> None:
    """Every fault of `identity`. `agents` are the names of all agents, as written."""
    fields = values.get("identity", {})
    urls: set[str] = set()
    for index, issuer in enumerate(fields.get("issuers", [])):
        if issuer:
            _check_issuer(("identity", "issuers", index), issuer, urls, agents, report, warn)
    for name, agent in fields.get("certificates", {}).items():
        _check_agent(("identity", "certificates", name), agent, agents, report)
    if fields.get("certificates") and "client_ca" not in (values.get("listen", {}).get("tls") or {}):
        report(("identity", "certificates"), "client certificates are asked for with `listen.tls.client_ca` only")


def _check_issuer(
    place: Place, issuer: Mapping[str, Any], urls: set[str], agents: Sequence[str], report: Report, warn: Report
) -> None:
    if "url" in issuer:
        check_issuer((*place, "url"), issuer["url"], report, warn)
        if issuer["url"] in urls:
            report((*place, "url"), "a second issuer of this URL")
        urls.add(issuer["url"])
    keys = issuer.get("keys") or {}
    if "keys" in issuer and len(keys) != 1:
        report((*place, "keys"), f"expected one of `file` and `jwks_url`, found {len(keys)}")
    if "jwks_url" in keys:
        check_issuer((*place, "keys", "jwks_url"), keys["jwks_url"], report, warn)
    for claim, values in issuer.get("agents", {}).items():
        for value, agent in (values or {}).items():
            _check_agent((*place, "agents", claim, value), agent, agents, report)


def _check_agent(place: Place, agent: str, agents: Sequence[str], report: Report) -> None:
    if agent not in agents:
        report(place, f"no agent `{shown(agent)}`{nearest(agent, agents)}")


def listen_of(fields: Mapping[str, Any], folder: Path) -> ListenSettings:
    """The settings of a checked section. Relative files count from the folder of the configuration."""
    tls = fields.get("tls")
    return ListenSettings(
        address=fields.get("address", "127.0.0.1"),
        hosts=tuple(fields.get("hosts", [])),
        tls=None
        if tls is None
        else TlsSettings(
            cert=folder / tls["cert"],
            key=folder / tls["key"],
            client_ca=folder / tls["client_ca"] if "client_ca" in tls else None,
            client_certs_required=tls.get("client_certs", "required") == "required",
        ),
    )


def identity_of(fields: Mapping[str, Any], folder: Path) -> Believed:
    """The settings of a checked section."""
    return Believed(
        issuers=tuple(
            Issuer(
                url=issuer["url"],
                audience=issuer["audience"],
                file=str(folder / issuer["keys"]["file"]) if "file" in issuer["keys"] else "",
                jwks_url=issuer["keys"].get("jwks_url", ""),
                agents=issuer["agents"],
            )
            for issuer in fields.get("issuers", [])
        ),
        certificates=fields.get("certificates", {}),
    )
