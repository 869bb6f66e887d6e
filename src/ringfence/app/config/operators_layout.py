"""The keys of `operators:` in `ringfence.yaml`."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.secrets_layout import SECRET_FROM
from ringfence.app.config.shapes import Choice, Duration, Key, ListOf, Record, Text
from ringfence.core.model.operator import Role

_CLAIM: Final = r"[A-Za-z0-9_.:/-]{1,200}"
_GROUP: Final = r"[A-Za-z][A-Za-z0-9_.@-]{0,63}"

ROLE: Final = Record(
    {
        "claim": Key(
            Text("a claim's name", _CLAIM, 200, examples=("groups", "sub")),
            "The claim of the ID token that is looked at: a text, or a list of texts. `email` counts only where "
            "`email_verified` is true.",
            required=True,
        ),
        "value": Key(
            Text("text", r"[^\x00-\x1f\x7f]{1,255}", 255), "What the claim has to be, or have among its texts.", required=True
        ),
        "role": Key(Choice(tuple(Role)), "The role of everybody for whom this holds. Of several, the highest.", required=True),
        "groups": Key(
            ListOf(Text("a group's name", _GROUP, 64), most=50),
            "The groups of `groups` that they are in, besides those that name them.",
        ),
    },
    "a mapping with `claim`, `value` and `role`",
)

OIDC: Final = Record(
    {
        "issuer": Key(
            Text("an http or https URL", r"https?://[^\s#]+", 500, examples=("https://login.example",)),
            "The issuer as its discovery document and its tokens name it, character by character: https, or http on this "
            "machine.",
            required=True,
        ),
        "client_id": Key(
            Text("text", r"[\x21-\x7e]{1,255}", 255),
            "The gateway's own client id at the issuer. Its ID tokens, and no others, have it as their audience.",
            required=True,
        ),
        "client_secret": Key(SECRET_FROM, "The client's secret. A public client where absent; PKCE is used either way."),
        "label": Key(Text("text", r"[^\x00-\x1f\x7f]{1,60}", 60), "What the button calls the issuer. Its host where absent."),
        "scopes": Key(
            ListOf(Text("a scope", r"[\x21\x23-\x5b\x5d-\x7e]{1,100}", 100), most=20),
            "What is asked for besides `openid`.",
            default=["email"],
        ),
        "person": Key(
            Text("a claim's name", _CLAIM, 200),
            "The claim that names a person: always the same one, and never given to somebody else.",
            default="sub",
        ),
        "roles": Key(
            ListOf(ROLE, least=1, most=500), "Who has which role. Whoever is not mapped is not let in.", required=True
        ),
        "login": Key(Duration(60, 12 * 3600), "How long a login lasts, whatever the issuer says meanwhile.", default="8h"),
    },
    "a mapping with `issuer`, `client_id` and `roles`",
)

OPERATORS: Final = Record(
    {"oidc": Key(OIDC, "The issuer that people log in at. Needs `control.public_url`, where it sends browsers back to.")}
)
