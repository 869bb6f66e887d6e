"""What a run's credential is worth where people decide, and what the hook says to strangers: asked of the running gateway."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

from ringfence.app.clients.findings import Finding, Standing

_PATIENCE_S: Final = 20.0
_MOST: Final = 1 << 20
PEOPLE: Final = ("/runs", "/approvals", "/stops")
"""What an operator may list."""


class Listing(Protocol):
    """Asks the control plane for a list, with a credential; the code of the refusal, or None where it was given."""

    def __call__(self, path: str, credential: str) -> str | None: ...


def worthless(listing: Listing, credential: str) -> Finding:
    """Whether people's side refuses it. Raises: UnavailableError."""
    tried = "the credential of a run, shown to the control plane for " + ", ".join(PEOPLE)
    given = [path for path in PEOPLE if listing(path, credential) is None]
    if given:
        return Finding(
            "credential-worthless",
            Standing.BROKEN,
            tried,
            "it was given " + ", ".join(given),
            "do not run agents against this gateway: report what you see",
        )
    return Finding("credential-worthless", Standing.HOLDS, tried, "refused each time")


def strangers(url: str, credential: str | None) -> Iterator[Finding]:
    """Whether the hook refuses who has no credential, or one that nobody gave out."""
    for name, shown in (("no-credential", ""), ("unknown-credential", "rf-nobody-gave-this-out")):
        tried = f"a harmless call at {url}/hook with {'no credential' if not shown else 'a made-up credential'}"
        decided = _decision(url, shown)
        if decided == "deny":
            yield Finding(name, Standing.HOLDS, tried, "denied")
        elif decided == "allow":
            yield Finding(name, Standing.BROKEN, tried, "allowed", "an agent without a run can work: see `unsafe_anonymous`")
        else:
            remedy = "start the gateway, with an agent that has `local`, and verify again"
            yield Finding(name, Standing.UNPROVEN, tried, decided, remedy)
    if credential is not None:
        tried = f"the credential of a run at {url}/hook"
        decided = _decision(url, credential)
        standing = Standing.HOLDS if decided in {"allow", "deny", "ask"} else Standing.UNPROVEN
        yield Finding(
            "gateway-answers", standing, tried, decided, "" if standing is Standing.HOLDS else "see the gateway's log"
        )


def _decision(url: str, credential: str) -> str:
    """What the hook decides of `true`, or why it decides nothing."""
    parts = urlsplit(url)
    event = {
        "session_id": "verify",
        "transcript_path": "/dev/null",
        "cwd": "/",
        "hook_event_name": "PreToolUse",
        "permission_mode": "default",
        "tool_name": "Bash",
        "tool_input": {"command": "true"},
        "tool_use_id": "toolu_verify",
    }
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    link = kind(parts.hostname or "", parts.port, timeout=_PATIENCE_S)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {credential}"} if credential else {})}
    try:
        link.request("POST", "/hook", json.dumps(event), headers)
        answer = link.getresponse()
        data = answer.read(_MOST)
        if answer.status != 200:
            return f"it answered {answer.status}"
        value = cast(dict[str, Any], json.loads(data))
        return str(value["hookSpecificOutput"]["permissionDecision"])
    except (OSError, http.client.HTTPException) as error:
        return f"nobody answers: {error}"
    except (ValueError, KeyError, TypeError):
        return "it answered with no decision"
    finally:
        link.close()
