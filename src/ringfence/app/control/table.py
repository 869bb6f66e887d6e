"""The one table of routes: served, authorised and described from here."""

from __future__ import annotations

from ringfence.app.control import (
    alerts,
    approvals,
    audit,
    budget,
    definitions,
    explain,
    handoffs,
    history,
    labels,
    lineage,
    metrics,
    operators,
    pins,
    runs,
    servers,
    signals,
    status,
    steering,
    stops,
    tools,
    usage,
)
from ringfence.app.control.routes import Route

ROUTES: tuple[Route, ...] = (
    *approvals.ROUTES,
    *alerts.ROUTES,
    *stops.ROUTES,
    *signals.ROUTES,
    *tools.ROUTES,
    *pins.ROUTES,
    *budget.ROUTES,
    *usage.ROUTES,
    *definitions.ROUTES,
    *servers.ROUTES,
    *runs.ROUTES,
    *labels.ROUTES,
    *steering.ROUTES,
    *handoffs.ROUTES,
    *operators.ROUTES,
    *audit.ROUTES,
    *history.ROUTES,
    *lineage.ROUTES,
    *explain.ROUTES,
    *status.ROUTES,
    *metrics.ROUTES,
)
