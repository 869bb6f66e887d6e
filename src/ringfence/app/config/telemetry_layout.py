"""The keys of `telemetry:` in `ringfence.yaml`."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.secrets_layout import SECRET_FROM, SECRET_VALUE
from ringfence.app.config.shapes import Decimal, Key, MapOf, Record, Text

TELEMETRY: Final = Record(
    {
        "metrics": Key(
            Record({"token": Key(SECRET_FROM, "A scraper's bearer token. It opens `/metrics` alone.", required=True)}),
            "Who reads metrics besides operators. Nobody where absent.",
        ),
        "otlp": Key(
            Record(
                {
                    "endpoint": Key(
                        Text("an http or https URL", r"https?://[^\s?#]+", 2000, examples=("https://otel.example:4318",)),
                        "Address of an OpenTelemetry collector that takes OTLP over HTTP, without `/v1/traces`.",
                        required=True,
                    ),
                    "headers": Key(
                        MapOf(SECRET_VALUE, r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "a header name"),
                        "Headers of these requests, such as a token.",
                    ),
                    "sample": Key(
                        Decimal(),
                        "Which part of the tasks is sent, 0 to 1. A task is sent whole or not at all.",
                        default=1,
                    ),
                },
                "a mapping with `endpoint`",
            ),
            "Where traces are sent. Nowhere where absent. Needs the extra `otel`.",
        ),
    },
    "a mapping with `metrics` and `otlp`",
)
