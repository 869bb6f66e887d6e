"""What `telemetry:` asks for, and what a shape alone cannot say about it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ringfence.app.config.connections import check_url, secret_ref
from ringfence.app.config.names import Report
from ringfence.app.config.settings import OtlpSettings
from ringfence.ports.secrets import SecretRef

PLACE = ("telemetry", "otlp")


def check_telemetry(values: Mapping[str, Any], report: Report, warn: Report) -> None:
    """Every fault of the section."""
    otlp = values.get("telemetry", {}).get("otlp")
    if otlp is None:
        return
    if "endpoint" in otlp:
        check_url((*PLACE, "endpoint"), otlp["endpoint"], report, warn)
        if otlp["endpoint"].rstrip("/").endswith("/v1/traces"):
            report((*PLACE, "endpoint"), "without `/v1/traces`, which is added")
    if float(otlp.get("sample", 1)) > 1:
        report((*PLACE, "sample"), "expected a number from 0 to 1")
    if not _can_encode():
        report(PLACE, "needs the extra `otel`, which is not installed: pip install 'ringfence[otel]'")


def otlp_of(values: Mapping[str, Any], folder: Path) -> OtlpSettings | None:
    """The settings of a checked section; None where there is none."""
    fields = values.get("telemetry", {}).get("otlp")
    if fields is None:
        return None
    headers = fields.get("headers", {})
    return OtlpSettings(
        endpoint=fields["endpoint"].rstrip("/"),
        headers={name: value if isinstance(value, str) else secret_ref(value, folder) for name, value in headers.items()},
        sample=float(fields.get("sample", 1)),
    )


def scrape_token_of(values: Mapping[str, Any], folder: Path) -> SecretRef | None:
    """None where operators alone read metrics."""
    written = values.get("telemetry", {}).get("metrics", {}).get("token")
    return secret_ref(written, folder) if written is not None else None


def _can_encode() -> bool:
    try:
        return find_spec("opentelemetry.proto") is not None
    except ModuleNotFoundError:
        return False
