"""Posted forms: `application/x-www-form-urlencoded` with known fields only, each once."""

from __future__ import annotations

from urllib.parse import parse_qsl

from ringfence.errors import RequestError


def read_form(data: bytes, content_type: str, fields: tuple[str, ...]) -> dict[str, str]:
    """Every field that was sent. Raises: RequestError."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise RequestError("the form is not declared as one")
    try:
        pairs = parse_qsl(data.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except (ValueError, UnicodeError) as error:
        raise RequestError("the form cannot be read") from error
    values: dict[str, str] = {}
    for name, text in pairs:
        if name not in fields or name in values:
            raise RequestError("the form has a field that is not ours, or one twice")
        values[name] = text
    return values
