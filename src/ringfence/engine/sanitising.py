"""What an agent gets of a declared sanitiser's answer: values of its typed output schema, and nothing that anybody worded.

The schema is judged when the server lists it (`core.narrowing.tightening`): a flag on a tool whose results leave room for text
does not count. Here each answer is held to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from ringfence.core.model.tool import Tool
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.entries import result_facts
from ringfence.engine.outcome import Held, Outcome, Returned, ServerFailed, Withheld
from ringfence.engine.request import ClientSide
from ringfence.errors import RequestError

FAILED: Final = "the tool reported an error; its words are not passed on"
_NUMBERS: Final = ("progress", "total")


def quiet(client: ClientSide) -> ClientSide:
    """A client that hears numbers only, and is asked nothing."""
    listener = client.on_progress

    def on_progress(report: Mapping[str, Any]) -> None:
        if listener is not None:
            listener({key: report[key] for key in _NUMBERS if _is_number(report.get(key))})

    return replace(
        client,
        capabilities={},
        on_progress=on_progress if listener is not None else None,
        log_level=None,
        on_log=None,
        ask=None,
    )


def sanitised(outcome: Outcome, tool: Tool) -> Outcome:
    """The structured result alone, with its canonical JSON as the one text. What does not satisfy the schema is withheld."""
    match outcome:
        case ServerFailed(code=code, entry=entry):
            return ServerFailed(code, FAILED, entry)
        case Returned(result=result, entry=entry) if result.get("isError") is True:
            return Returned({"content": [{"type": "text", "text": FAILED}], "isError": True}, entry)
        case Returned(result=result, entry=entry):
            value: Any = result.get("structuredContent")
            if value is None or tool.output_validator is None or not tool.output_validator.is_valid(value):
                return Withheld(Held.UNTYPED, entry, result_facts(result))
            try:
                text = canonical_bytes(value).decode()
            except (RequestError, UnicodeEncodeError, RecursionError):
                return Withheld(Held.UNTYPED, entry, result_facts(result))
            return Returned({"content": [{"type": "text", "text": text}], "structuredContent": value}, entry)
        case _:
            return outcome


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(cast("Any", value), bool)
