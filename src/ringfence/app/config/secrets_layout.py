"""How a configuration refers to secrets, and where they are looked up."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.shapes import Key, OrRecord, Record, Text

SECRET_FROM: Final = Record(
    {
        "from": Key(
            Text(
                "`env:NAME`, `file:PATH`, `exec:COMMAND` or `vault:MOUNT/PATH#FIELD`",
                r"env:[A-Za-z_][A-Za-z0-9_]*|(?:file|exec):[^\n]+|vault:[^/#\s]+/[^#\s]+#[^#\s]+",
                1000,
                secret=True,  # whoever takes `from` for the place of the value itself must not read it in the log
                examples=("env:TOKEN", "file:token", "exec:pass show token", "vault:secret/ci#token"),
            ),
            "Where the secret is found when it is needed: `env:NAME` (the gateway's environment), `file:PATH` (relative to "
            "this file; one that group or others can read is refused), `exec:COMMAND` (what it prints; no shell) or "
            "`vault:MOUNT/PATH#FIELD` (KV version 2 of the vault under `secrets`).",
            required=True,
        )
    },
    "a mapping `{from: ...}`",
)
SECRET_VALUE: Final = OrRecord(Text("text", most=8000, integers=True, secret=True), SECRET_FROM, "text, or `{from: ...}`")

SECRETS: Final = Record(
    {
        "vault": Key(
            Record(
                {
                    "address": Key(
                        Text("an http or https URL", r"https?://[^\s/]+/?", 500, examples=("https://vault.example:8200",)),
                        "Where HashiCorp Vault or OpenBao answers.",
                        required=True,
                    ),
                    "token": Key(SECRET_FROM, "Its token, read anew with each look-up.", required=True),
                    "namespace": Key(Text("a namespace", r"[^\s]+", 200), "The namespace to look in."),
                },
                "a mapping with `address` and `token`",
            ),
            "The vault of `vault:MOUNT/PATH#FIELD`.",
        )
    },
    "a mapping with `vault`",
)
