"""Arguments to Cedar values: declared fields only, one by one, each in the form of its own type.

Nothing of what an agent sent is passed on as a structure: a mapping that looks like a Cedar entity or extension value is at
most a record with declared fields, and a string stays a string.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ringfence.core.policy.argument_types import CedarType, RecordOf, Scalar, SetOf

LONG_MOST = 2**63 - 1
LONG_LEAST = -(2**63)
_DECIMAL_PLACES = 4


class NotHeldError(ValueError):
    """A value that its declared type cannot hold."""


def cedar_value(kind: CedarType, value: Any, name: str) -> Any:
    """One value in Cedar's JSON form. `name` is for the message. Raises: NotHeldError."""
    match kind:
        case RecordOf():
            if not isinstance(value, Mapping):
                raise NotHeldError(f"`{name}` is not an object")
            return record_value(kind, value, name)
        case SetOf(element=element):
            if not isinstance(value, list | tuple):
                raise NotHeldError(f"`{name}` is not a list")
            return [cedar_value(element, item, f"{name}[{place}]") for place, item in enumerate(value)]
        case Scalar.STRING:
            if isinstance(value, str):
                return value
        case Scalar.BOOL:
            if isinstance(value, bool):
                return value
        case Scalar.LONG:
            return _long(value, name)
        case Scalar.DECIMAL:
            return {"__extn": {"fn": "decimal", "arg": _decimal(value, name)}}
    raise NotHeldError(f"`{name}` is not a {kind.value}")


def record_value(record: RecordOf, value: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """The declared fields of a mapping. Null counts as absent. Raises: NotHeldError."""
    result: dict[str, Any] = {}
    for key, one in record.fields.items():
        path = f"{name}.{key}" if name else key
        held = value.get(key)
        if held is not None:
            result[key] = cedar_value(one.type, held, path)
        elif one.required:
            raise NotHeldError(f"`{path}` is missing")
    return result


def _long(value: Any, name: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON Schema counts 5.0 as an integer (2020-12, section 4.2.1)
    if not isinstance(value, int) or isinstance(value, bool):
        raise NotHeldError(f"`{name}` is not a whole number")
    if not LONG_LEAST <= value <= LONG_MOST:
        raise NotHeldError(f"`{name}` does not fit in 64 bits")
    return value


def _decimal(value: Any, name: str) -> str:
    """The exact decimal text; a number with more places, or one out of range, is refused, never rounded."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotHeldError(f"`{name}` is not a number")
    try:
        scaled = Decimal(repr(value)).scaleb(_DECIMAL_PLACES)
    except InvalidOperation as error:
        raise NotHeldError(f"`{name}` is not a number that Cedar can hold") from error
    if not scaled.is_finite() or abs(scaled) > LONG_MOST or scaled != scaled.to_integral_value():
        raise NotHeldError(f"`{name}` has more than {_DECIMAL_PLACES} digits after the point, or is too large")
    whole = int(scaled)
    sign, whole = ("-" if whole < 0 else ""), abs(whole)
    return f"{sign}{whole // 10**_DECIMAL_PLACES}.{whole % 10**_DECIMAL_PLACES:0{_DECIMAL_PLACES}d}"
