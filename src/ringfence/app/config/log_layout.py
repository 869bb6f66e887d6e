"""The keys of `log:` in `ringfence.yaml`."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.secrets_layout import SECRET_FROM, SECRET_VALUE
from ringfence.app.config.shapes import Duration, Integer, Key, ListOf, MapOf, Record, Text, Truth

_url = Text("an http or https URL", r"https?://[^\s]+", 2000, secret=True)
_DAY = 86_400

WITNESS: Final = Record(
    {
        "url": Key(
            Text("an http or https URL", r"https?://[^\s]+", 2000),
            "Submission prefix of a witness that speaks C2SP tlog-witness, `ringfence witness` or another.",
            required=True,
        ),
        "key": Key(
            Text("a verifier key `NAME+ID+KEY`", r"[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*", 500),
            "The witness's public key; `ringfence witness key` prints it.",
            required=True,
        ),
    },
    "a mapping with `url` and `key`",
)

ANCHOR: Final = Record(
    {
        "file": Key(Text("a folder", most=1000), "A folder outside the state, which has to exist: another disk or mount."),
        "git": Key(Text("a folder", most=1000), "A git repository that gets each head as a commit."),
        "branch": Key(
            Text("a branch name", r"[A-Za-z0-9][A-Za-z0-9_/-]{0,99}", 100),
            "Its branch, for nothing else.",
            default="ringfence-log",
        ),
        "remote": Key(Text("a remote's name", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", 100), "A remote to push it to."),
        "webhook": Key(_url, "Where each head is posted."),
        "secret": Key(SECRET_FROM, "Key of the webhook's signature, where the receiver checks one."),
    },
    "a mapping with one of `file`, `git` and `webhook`",
)

FORWARD: Final = Record(
    {
        "ocsf": Key(_url, "Where batches of OCSF 1.6.0 events are posted, one JSON text a line."),
        "headers": Key(
            MapOf(SECRET_VALUE, r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "a header name"), "Headers of these requests, such as a token."
        ),
        "syslog": Key(
            Text(
                "`udp://`, `tcp://` or `tls://` with host and port",
                r"(?:udp|tcp|tls)://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}",
                300,
                examples=("tls://siem.example:6514",),
            ),
            "Where the same events are sent as syslog (RFC 5424).",
        ),
        "ca": Key(Text("a file", most=1000), "Certificates that a `tls://` receiver is trusted by; the system's where absent."),
        "bodies": Key(Truth(), "Whether the bodies of entries, with arguments, are sent as well.", default=False),
    },
    "a mapping with `ocsf` or `syslog`",
)

LOG: Final = Record(
    {
        "witnesses": Key(ListOf(WITNESS, most=20), "Who is asked to cosign each signed head."),
        "quorum": Key(Integer(0, 20), "How many of them make a head a witnessed one. All where absent."),
        "anchors": Key(ListOf(ANCHOR, most=20), "Where signed heads are kept besides the state directory."),
        "forward": Key(ListOf(FORWARD, most=20), "Where entries are sent as they are written."),
        "retention": Key(
            Record(
                {
                    "bodies": Key(
                        Duration(_DAY, 36_500 * _DAY),
                        "How long the bodies of entries are kept, at least one day. For ever where absent. What stands around "
                        "them, and every proof, stays.",
                    )
                }
            ),
            "What is dropped when.",
        ),
    }
)
