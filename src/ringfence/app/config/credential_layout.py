"""The keys of a tool's own credential, and of the minters that make some of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ringfence.app.config.aws_layout import AWS, ROLE_KEYS
from ringfence.app.config.box_layout import ENVIRONMENT
from ringfence.app.config.secrets_layout import SECRET_FROM
from ringfence.app.config.shapes import Choice, Duration, Key, ListOf, Record, Text
from ringfence.core.model.credential import DATABASE_NAME, DATABASE_OBJECT, GRANTABLE

MINTER_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"

_GRANT: Final = Record(
    {
        "on": Key(
            Text("`table NAME`, `sequence NAME` or `function NAME`", DATABASE_OBJECT, 140, examples=("table sales.orders",)),
            "What it is on: `table`, `sequence` or `function`, and its name, the schema before it unless it is `public`. "
            "Names count as they are written.",
            required=True,
        ),
        "privileges": Key(
            ListOf(Choice(tuple(sorted(set().union(*GRANTABLE.values())))), least=1, most=10),
            "Tables: select, insert, update, delete. Sequences: usage, select, update. Functions: execute.",
            required=True,
        ),
        "columns": Key(
            ListOf(Text("a column's name", DATABASE_NAME, 63), least=1, most=200),
            "Only these columns of a table. All where absent.",
        ),
    },
    "a mapping with `on` and `privileges`",
)

_MINT: Final = Record(
    {
        "minter": Key(Text("the name of a minter", MINTER_NAME, 64), "Which entry of `minters` makes it.", required=True),
        "grants": Key(ListOf(_GRANT, least=1, most=64), "Postgres: everything that it may do."),
        **ROLE_KEYS,
        "lifetime": Key(
            Duration(10, 86400),
            "After this it opens nothing and what it has opened is ended, though its call may not be over. Longer than the "
            "server's `deadline`. Of a `role`, 15m to 1h, and 15m where absent.",
            default="10m",
        ),
        "statement": Key(
            Duration(1, 3600), "How long one statement may take, unless the tool sets that itself.", default="30s"
        ),
        "value": Key(
            Choice(("dsn", "user", "password", "json", "access_key_id", "secret_access_key", "session_token")),
            "What is handed over: the whole address (`dsn`) or a part of it; of a `role` everything as `credential_process` "
            "prints it (`json`, where absent) or a part.",
        ),
    },
    "a mapping with `minter`, and with `grants` or `role`",
)

CREDENTIAL: Final = Record(
    {
        "argument": Key(
            Text("a JSON pointer to an argument, such as `/dsn`", r"/[^/~\s]{1,100}", 101, examples=("/dsn",)),
            "The argument that holds it. Agents are not shown it, and are refused when they set it. One of `argument`, "
            "`header` and `env`.",
        ),
        "header": Key(
            Text("a header name", r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", 100), "The header that holds it, of a server with `url`."
        ),
        "env": Key(
            Text("a variable name", r"[A-Za-z_][A-Za-z0-9_]*|AWS_\*", 100),
            "The variable that holds it, of a server with `command`. The tool has processes of its own; with `mint`, one for "
            "each call. `AWS_*` are the three that AWS's SDKs read, for a minted `role`.",
        ),
        "from": replace(SECRET_FROM.keys["from"], required=False),
        "environment": ENVIRONMENT,
        "mint": Key(_MINT, "Made for each call with exactly what it needs, and gone after it. Either this or `from`."),
    },
    "a mapping with `argument`, `header` or `env`, and with `from` or `mint`",
)

MINTER: Final = Record(
    {
        "postgres": Key(
            SECRET_FROM,
            "Address (`postgresql://...`) of a role that may create roles and grant what tools need. Needs the extra "
            "`ringfence[postgres]`.",
        ),
        "aws": Key(AWS, "An account of AWS that assumes roles."),
        "environment": ENVIRONMENT,
    },
    "a mapping with `postgres` or `aws`",
)
