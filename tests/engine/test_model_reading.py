"""Which requests are read beside the event loop: what is long, and what is short and has many parts."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from ringfence.core.metering.request import ModelRequest
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule
from ringfence.core.own_tools.modelling import Act
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.models.reading import LARGE, MANY, Read, RequestReader

RULES = ModelRules(upstreams=(ModelUpstreamRule(name="vendor"),))


class Asked:
    """Remembers in which thread it was asked for an id."""

    def __init__(self) -> None:
        self.by: set[threading.Thread] = set()

    def __contains__(self, key: object) -> bool:
        self.by.add(threading.current_thread())
        return False


@pytest.mark.parametrize(
    ("blocks", "is_beside"),
    [([], False), ([{}] * (MANY + 1), True), ([{"type": "text", "text": "x" * LARGE}], True)],
    ids=["ordinary", "many parts", "long"],
)
async def test_a_request_that_takes_long_to_read_does_not_hold_up_the_others(blocks: list[Any], is_beside: bool) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [*blocks, use]}]}
    known = Asked()
    found = await RequestReader(Redactor()).read(Act.MESSAGES, json.dumps(body).encode(), RULES, known)
    assert isinstance(found, Read)
    assert isinstance(found.request, ModelRequest)
    assert (known.by == {threading.current_thread()}) is not is_beside
