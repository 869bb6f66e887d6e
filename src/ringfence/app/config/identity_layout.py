"""The keys of `listen:` and `identity:` in `ringfence.yaml`."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.shapes import Choice, Key, ListOf, MapOf, Record, Text

_AGENT: Final = r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}"
_HOST: Final = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
SPIFFE_ID: Final = r"spiffe://[a-z0-9._-]{1,255}(?:/[A-Za-z0-9._-]+)+"
_file = Text("a file", most=1000)
_agent = Text("an agent's name", _AGENT, 64)

TLS: Final = Record(
    {
        "cert": Key(_file, "The server's certificate with its chain, PEM, relative to this file.", required=True),
        "key": Key(_file, "Its private key, PEM. A file that group or others can read is refused.", required=True),
        "client_ca": Key(
            _file, "The authorities that client certificates are verified with, PEM. None are asked for where absent."
        ),
        "client_certs": Key(
            Choice(("required", "optional")),
            "Whether a client without a certificate of `client_ca` is turned away before it can say anything.",
            default="required",
        ),
    },
    "a mapping with `cert` and `key`",
)

LISTEN: Final = Record(
    {
        "address": Key(
            Text("an IP address", r"[0-9a-fA-F.:]{2,45}", 45, examples=("127.0.0.1", "0.0.0.0")),
            "Where agents connect over TCP. Any other than this machine's own needs `tls`.",
            default="127.0.0.1",
        ),
        "hosts": Key(
            ListOf(Text("a host name in lower case", _HOST, 253), most=100),
            "Names by which clients reach that address, besides `localhost`. Requests for others are refused.",
        ),
        "tls": Key(TLS, "TLS for agents over TCP, so that credentials can be bound to client certificates."),
    }
)

ISSUER: Final = Record(
    {
        "url": Key(
            Text("an http or https URL", r"https?://[^\s]+", 2000),
            "The issuer as its tokens name it (`iss`), character by character.",
            required=True,
        ),
        "audience": Key(
            Text("text", most=500), "What its tokens for this gateway name as their audience (`aud`).", required=True
        ),
        "keys": Key(
            Record(
                {
                    "file": Key(_file, "A file with its JWK set, relative to this file. Read again when it changes."),
                    "jwks_url": Key(
                        Text("an http or https URL", r"https?://[^\s]+", 2000),
                        "Where it publishes its JWK set: https, or http on this machine. Nothing else is ever fetched.",
                    ),
                },
                "a mapping with `file` or `jwks_url`",
            ),
            "Where its public keys are. One of the two.",
            required=True,
        ),
        "agents": Key(
            MapOf(
                MapOf(_agent, r"[^\x00-\x1f\x7f]{1,255}", "a value of the claim"),
                r"[A-Za-z0-9_.:/-]{1,200}",
                "a claim's name",
            ),
            "Which agent a token is: claim, then its value, then the agent's name. Claims that name two agents name none.",
            required=True,
        ),
    },
    "a mapping with `url`, `audience`, `keys` and `agents`",
)

IDENTITY: Final = Record(
    {
        "issuers": Key(ListOf(ISSUER, most=20), "Issuers of access tokens (JWT) that are believed about agents."),
        "certificates": Key(
            MapOf(_agent, SPIFFE_ID, "a SPIFFE id such as `spiffe://example.org/billing`"),
            "Agents by the SPIFFE id of their client certificate. Needs `listen.tls.client_ca`.",
        ),
    }
)
