"""What everything is named by, and the few plain types.

Times are integer milliseconds since the Unix epoch. Counts and money are integers."""

from __future__ import annotations

from typing import Final, NewType

AgentId = NewType("AgentId", str)
RunId = NewType("RunId", str)
ServerId = NewType("ServerId", str)
OWN_SERVER: Final = ServerId("ringfence")
"""What the tools are of that the gateway itself shows to agents."""
ToolId = NewType("ToolId", str)
"""Canonical `server.tool`."""
TicketId = NewType("TicketId", str)
CallId = NewType("CallId", str)
"""Joins the entries of one call: decision, approval, outcome."""
OperatorName = NewType("OperatorName", str)
Digest = NewType("Digest", str)
"""Lower-case hex SHA-256 over RFC 8785 canonical JSON."""
Millis = int
