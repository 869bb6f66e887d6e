"""docs/observability.md names every number and attribute that there is, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from ringfence.adapters.telemetry import spans
from ringfence.adapters.telemetry.metrics import PrometheusMetrics
from ringfence.app.config.load import parse_config
from ringfence.ports.metrics import GatewayState, MeterState, ServerState

DOCS = (Path(__file__).parents[2] / "docs/observability.md").read_text("utf-8")
EVERYTHING = GatewayState(
    version="1",
    is_ready=True,
    started_at=1,
    runs_open={"a": 1},
    calls_under_way={"t": 1},
    approvals_pending={"a": 1},
    pending_since=1,
    stops={("kill", "run"): 1},
    meters=(MeterState(kind="spend", owner="gateway", of="all", window_s=1, used=1, held=1, cap=1, is_micro=True),),
    servers=(ServerState(server="s", state="up", restarts=0, running=0),),
    log_size=1,
    log_signed=1,
    log_signed_at=1,
    log_cosigned=1,
)


def families() -> dict[str, str]:
    """Every name, with its type."""
    text = PrometheusMetrics().render(EVERYTHING).decode()
    found = {family.name: family.type for family in text_string_to_metric_families(text)}
    return {
        f"{name}_total" if kind == "counter" else name: kind for name, kind in found.items() if name.startswith("ringfence_")
    }


def test_every_metric_is_documented_and_every_query_names_one() -> None:
    known = families()
    named = set(re.findall(r"ringfence_[a-z_]+", DOCS))
    queried = {
        name.removesuffix("_bucket") if known.get(name.removesuffix("_bucket")) == "histogram" else name for name in named
    }
    assert queried == set(known)


def test_every_attribute_is_documented_and_no_other() -> None:
    source = Path(spans.__file__).read_text("utf-8")
    used = set(re.findall(r'"((?:gen_ai|mcp|ringfence|rpc|http|error)\.[a-z_.]+)"', source))
    named = set(re.findall(r"`((?:gen_ai|mcp|ringfence|rpc|http|error)\.[a-z_.]+)`", DOCS))
    assert named == used
    assert len(used) > 25


def test_the_examples_are_configurations() -> None:
    scraped, sent = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
    here = Path("/etc/ringfence/ringfence.yaml")
    assert parse_config(scraped.encode(), here).scrape_token is not None
    otlp = parse_config(sent.encode(), here).otlp
    assert otlp is not None
    assert otlp.sample == 0.25
