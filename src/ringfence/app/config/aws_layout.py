"""The keys of roles that are assumed in AWS: of the account that assumes them, and of a tool that needs one."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.secrets_layout import SECRET_FROM
from ringfence.app.config.shapes import Choice, FreeObject, Key, ListOf, MapOf, Record, Text, Truth
from ringfence.core.model.assumed_role import ROLE_ARN, Allowed

AWS_VARIABLES: Final = "AWS_*"
"""As `env`: the three variables that every SDK of AWS reads."""

AWS: Final = Record(
    {
        "region": Key(
            Text("a region such as `eu-west-1`", r"[a-z]{2}[a-z0-9-]{3,30}", 32), "Whose STS is asked.", required=True
        ),
        "endpoint": Key(
            Text("an http or https URL without a path", r"https?://[^\s/?#@]+", 300),
            "Where STS answers. `https://sts.REGION.amazonaws.com` where absent.",
        ),
        "access_key_id": Key(SECRET_FROM, "The gateway's own credential, which may assume the roles.", required=True),
        "secret_access_key": Key(SECRET_FROM, "The secret to it.", required=True),
        "session_token": Key(SECRET_FROM, "Its token, where it is a temporary credential."),
        "source_identity": Key(
            Truth(), "Tell AWS the agent as source identity. The roles' trust policy has to allow that.", default=False
        ),
        "tags": Key(
            Truth(),
            "Tell AWS agent, run and call in session tags. The roles' trust policy has to allow that, and each call asks STS.",
            default=False,
        ),
    },
    "a mapping with `region`, `access_key_id` and `secret_access_key`",
)

_ARGUMENT: Final = Record(
    {
        "from": Key(
            Text("a JSON pointer such as `/bucket`", r"(?:/[^/\s]+)+", 200, examples=("/bucket",)),
            "Which argument of the call.",
            required=True,
        ),
        "allow": Key(
            ListOf(Choice(tuple(Allowed)), most=4),
            "Signs that it may hold although they mean more than themselves: `wildcards` (`*`, `?`), `variables` (`$`), "
            "`slashes`, `colons`. None where absent.",
        ),
    },
    "a mapping with `from`",
)

ROLE_KEYS: Final = {
    "role": Key(
        Text("the ARN of a role", ROLE_ARN, 560, examples=("arn:aws:iam::123456789012:role/reader",)),
        "The role of AWS that is assumed. Either this or `grants`.",
    ),
    "policy": Key(
        FreeObject(),
        "The session policy that narrows the role. `<name>` below `Resource` or `Condition` stands for an argument.",
    ),
    "arguments": Key(
        MapOf(_ARGUMENT, r"[A-Za-z_][A-Za-z0-9_]{0,63}", "a name of letters, digits and `_`"),
        "What `<name>` stands for in the policy. A call whose arguments do not fit is denied.",
    ),
}
