"""What a server process wrote to stderr, as an operator may see it. Pure."""

from collections.abc import Callable, Iterable

from ringfence.core.explaining.plain_text import plain

MOST_LINES = 20
MOST_COLUMNS = 300
SHORTEST_SECRET = 6
MASK = "[hidden]"


def last_lines(
    written: bytes,
    hidden: Iterable[str] = (),
    *,
    redact: Callable[[str], str] = str,
    is_cut: bool = False,
    most: int = MOST_LINES,
) -> tuple[str, ...]:
    """The last lines, each bounded and with control and invisible characters spelled out.

    `hidden` are values that never stand in them: the server got them from us. Values of fewer than six characters would mask
    ordinary words. `redact` masks what else is known to be secret. `is_cut`: the beginning is missing, so its first line may
    hold the rest of such a value, and is left out.
    """
    text = written.decode("utf-8", "replace")
    if is_cut:
        text = text.partition("\n")[2]
    for value in sorted((value for value in hidden if len(value) >= SHORTEST_SECRET), key=len, reverse=True):
        text = text.replace(value, MASK)
    text = redact(text)
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return tuple(plain(line, MOST_COLUMNS) for line in lines[-most:])
