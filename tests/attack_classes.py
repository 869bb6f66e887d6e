"""The attack classes that the gateway has to withstand, as data: id -> what it does about them.

A test that is the testable statement of a class carries `@pytest.mark.attack("A13")`.
`tests/architecture/test_attack_classes.py` fails when a class has no test, and when a test names a class that is not here.
"""

from __future__ import annotations

ATTACK_CLASSES: dict[str, str] = {
    "A1": "tool poisoning: a definition that hides text from people is quarantined until a person approves it",
    "A2": "line jumping: a server's instructions and prompts that hide text are withheld before anybody reads them",
    "A3": "rug pull: a definition that changed after it was pinned is refused, also between list and call",
    "A4": "shadowing: tools of two servers are reached by qualified names only, and names that look alike by none",
    "A5": "sampling abuse: not granted unless the operator says so, then bounded and without other servers' context",
    "A6": "elicitation phishing: no form for secrets, no address that was not granted, and the server is named",
    "A7": "confused deputy: what a server gets as credential follows from principal and server, never from a caller",
    "A8": "token passthrough: nothing of the inbound request's headers and credentials reaches a server",
    "A9": "hijacked sessions, cursors and states: worth nothing in the hands of another run, and never an upstream's own",
    "A10": "leaks over shared connections: each principal gets its own answers only",
    "A11": "DNS rebinding: Host and Origin are checked on every route of both planes",
    "A12": "resumption abuse: streams carry no event ids, and Last-Event-ID is worth nothing",
    "A13": "oversize, slow clients, floods: bounded in size and time on both sides",
    "A14": "batches are refused",
    "A15": "parser differentials: what two parsers could read differently is refused, and servers get canonical JSON only",
    "A16": "header and body that disagree, doubled headers, confused eras are refused",
    "A17": "request smuggling: what two parsers could frame differently is refused",
    "A18": "injection: every field that a server speaks in is scanned, recorded, masked or withheld",
    "A19": "request states are sealed, bound to run and request, short-lived and good for one use",
    "A20": "lists are private: agents with different rights never share one",
    "A21": "hostile schemas: nothing is fetched, patterns are linear, and what is too large is never compiled",
    "A22": "hostile URIs and templates: matched in linear time, bounded in length",
    "A23": "a server's authorization metadata is never followed",
    "A24": "capability spoofing: a server is told of no more than the client can and the operator granted",
    "A25": "approval bypass: an approved call with anything changed is another call",
}

GAPS: dict[str, str] = {}
"""Classes that nothing here claims to withstand, and why."""
