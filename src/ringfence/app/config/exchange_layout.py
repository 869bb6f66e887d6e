"""The keys of a server that is reached in the name of users (RFC 8693)."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.secrets_layout import SECRET_FROM
from ringfence.app.config.shapes import Choice, Key, Record, Text

_KINDS: Final = ("access_token", "jwt")

EXCHANGE: Final = Record(
    {
        "token_url": Key(
            Text("an http or https URL", r"https?://[^\s]+", 2000, examples=("https://idp.example/token",)),
            "The token endpoint of the authorization server that gives tokens for this server.",
            required=True,
        ),
        "client_id": Key(Text("text", r"[\x21-\x7e]+", 300), "Who the gateway is there.", required=True),
        "client_secret": Key(SECRET_FROM, "The gateway's secret there.", required=True),
        "client_auth": Key(
            Choice(("basic", "post")),
            "How it is shown: `client_secret_basic` or `client_secret_post`.",
            default="basic",
        ),
        "audience": Key(
            Text("text", r"[\x21-\x7e]+", 1000, examples=("https://crm.example",)),
            "For whom the token is, by a name that the authorization server knows. This or `resource`, or both.",
        ),
        "resource": Key(
            Text("a URI", r"[a-z][a-z0-9+.-]*:[\x21-\x22\x24-\x7e]+", 1000), "For whom it is, as a URI (RFC 8707)."
        ),
        "scope": Key(
            Text("scopes with a space between them", r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*", 1000),
            "What it may do. A token with more is not used.",
        ),
        "subject_type": Key(Choice(_KINDS), "What the caller's token is called.", default="access_token"),
        "actor": Key(SECRET_FROM, "A token of the gateway's own that is shown as the one who acts (`actor_token`)."),
        "actor_type": Key(Choice(_KINDS), "What that is called.", default="access_token"),
    },
    "a mapping with `token_url`, `client_id`, `client_secret`, and with `audience` or `resource`",
)
