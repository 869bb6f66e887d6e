"""The keys of `alerts:` in `ringfence.yaml`."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.secrets_layout import SECRET_FROM
from ringfence.app.config.shapes import Choice, Duration, Integer, Key, ListOf, Record, Text, Truth, TruthOr
from ringfence.ports.notifier import AlertKind

_ADDRESS: Final = Text(
    "an e-mail address", r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", 320
)
_KINDS: Final = Key(
    ListOf(Choice(tuple(kind for kind in AlertKind if kind is not AlertKind.TEST)), least=1),
    "Which alerts it gets. All where absent.",
)
_ENDS: Final = Key(Truth(), "Whether it is also told that something it was told of is over.", default=False)

WEBHOOK: Final = Record(
    {
        "url": Key(
            Text("an http or https URL", r"https?://[^\s]+", 2000, secret=True),
            "Where notifications are posted.",
            required=True,
        ),
        "format": Key(Choice(("json", "slack")), "Body: `json` (signed) or a `slack` message.", default="json"),
        "secret": Key(SECRET_FROM, "Key of the signature, where the receiver checks one."),
        "kinds": _KINDS,
        "ends": _ENDS,
    }
)

PAGERDUTY: Final = Record(
    {
        "key": Key(SECRET_FROM, "Routing key of an Events API v2 integration.", required=True),
        "url": Key(
            Text("an http or https URL", r"https?://[^\s]+", 2000),
            "Where events are taken: of an account in the EU `https://events.eu.pagerduty.com/v2/enqueue`.",
            default="https://events.pagerduty.com/v2/enqueue",
        ),
        "kinds": _KINDS,
    },
    "a mapping with `key`",
)

MAIL: Final = Record(
    {
        "server": Key(
            Text(
                "a mail server `HOST:PORT`",
                r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,251}|\[[0-9a-fA-F:]+\]):[0-9]{1,5}",
                300,
                examples=("smtp.example:587",),
            ),
            "The server that takes mail: its port is 587 for `starttls`, 465 for `tls`, as a rule.",
            required=True,
        ),
        "tls": Key(
            Choice(("starttls", "tls", "none")),
            "`starttls` asks for TLS after the greeting and sends nothing without it, `tls` begins with it; `none` is for a "
            "server on this machine.",
            default="starttls",
        ),
        "ca": Key(Text("a file", most=1000), "Certificates that the server is trusted by; the system's where absent."),
        "from": Key(_ADDRESS, "The sender.", required=True),
        "to": Key(ListOf(_ADDRESS, least=1, most=50), "Who gets it.", required=True),
        "user": Key(Text("a user name", most=300), "Login, where the server asks for one. Goes with `password`."),
        "password": Key(SECRET_FROM, "The login's password."),
        "kinds": _KINDS,
        "ends": _ENDS,
    },
    "a mapping with `server`, `from` and `to`",
)

ALERTS: Final = Record(
    {
        "caps_at": Key(ListOf(Integer(1, 100), most=10), "Percent of a cap at which people are told.", default=[50, 80, 100]),
        "burn": Key(
            TruthOr(
                Record(
                    {
                        "within": Key(
                            Duration(60, 7 * 86_400), "How soon a cap has to end for people to be told.", default="30m"
                        )
                    },
                    "`true`, `false` or a mapping with `within`",
                )
            ),
            "People are told when a cap would be used up soon at the pace of the last minutes.",
            default=True,
        ),
        "webhooks": Key(ListOf(WEBHOOK, most=20), "Where people are told."),
        "pagerduty": Key(ListOf(PAGERDUTY, most=20), "PagerDuty services that get events."),
        "email": Key(ListOf(MAIL, most=20), "Who gets mail."),
    }
)
