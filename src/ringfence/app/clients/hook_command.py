"""The command form of the hook: carries one event from standard input to the gateway, and its answer back.

One file that needs nothing of Ringfence, so that it can lie where the agent cannot write, and be started with
`python -I -S`: no packages, no variables of the environment that Python reads. Of the standard library only what is
built in or small, because a client starts it for every event (`_socket` rather than `socket`, no HTTP client, no JSON).
It knows no proxies, and follows no redirection.

    python3 -I -S ringfence-hook.py --url http://127.0.0.1:7410 [--path /hook] [--socket FILE] [--timeout S]

Exit status 0 with the gateway's answer on standard output. Whatever else happens ends with 2 and a reason on standard
error: for its clients 2 is a refusal, and any other status would let the call run.
"""

import _socket
import os
import sys

VARIABLE = "RINGFENCE_RUN"
MOST_IN = 16 << 20
MOST_OUT = 4 << 20
PATIENCE_S = 890.0
"""Below the time-out that clients are given, after which some of them let the call run."""
REFUSED = 2


class HookError(Exception):
    """Why the event could not be decided."""


def asked_of(arguments: list[str]) -> dict[str, str]:
    """The options, each `--name value`. Raises: HookError."""
    options = {"url": "", "path": "/hook", "socket": "", "timeout": str(PATIENCE_S)}
    if len(arguments) % 2:
        raise HookError("an option has no value")
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        if name[:2] != "--" or name[2:] not in options:
            raise HookError("unknown option " + name)
        options[name[2:]] = value
    if not options["path"].startswith("/") or any(each in options["path"] for each in " \r\n"):
        raise HookError("the path is none")
    return options


def place_of(url: str) -> tuple[str, int]:
    """Address and port of a gateway on this machine. Raises: HookError."""
    scheme, _, rest = url.partition("://")
    host, _, port = rest.rstrip("/").rpartition(":")
    if scheme != "http" or host not in {"127.0.0.1", "localhost"} or not port.isdigit() or int(port) > 65535:
        raise HookError("expected --url http://127.0.0.1:PORT, or --socket FILE")
    return "127.0.0.1", int(port)


def connected(options: dict[str, str]) -> _socket.socket:
    """A connection to the gateway. Raises: HookError, OSError."""
    if options["socket"]:
        link = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        link.settimeout(float(options["timeout"]))
        link.connect(options["socket"])
    else:
        place = place_of(options["url"])
        link = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        link.settimeout(float(options["timeout"]))
        link.connect(place)
    return link


def event_of() -> bytes:
    """What the client says. Raises: HookError, OSError."""
    pieces: list[bytes] = []
    size = 0
    while piece := os.read(0, 1 << 16):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_IN:
            raise HookError("the event is too long")
    if not size:
        raise HookError("there is no event on standard input")
    return b"".join(pieces)


def exchanged(link: _socket.socket, options: dict[str, str], credential: str, event: bytes) -> bytes:
    """The whole answer. Raises: HookError, OSError."""
    host = "localhost" if options["socket"] else options["url"].partition("://")[2].rstrip("/")
    lines = [
        f"POST {options['path']} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Content-Length: {len(event)}",
    ]
    if credential:
        lines.append(f"Authorization: Bearer {credential}")
    lines += ["Connection: close", "", ""]
    link.sendall("\r\n".join(lines).encode("latin-1") + event)
    answer = bytearray()
    while len(answer) <= MOST_OUT:
        piece = link.recv(1 << 16)
        if not piece:
            return bytes(answer)
        answer += piece
    raise HookError("the answer is too long")


def body_of(answer: bytes) -> bytes:
    """The body of a good answer. Raises: HookError."""
    head, end, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if not end or len(parts) < 2 or not parts[0].startswith("HTTP/1."):
        raise HookError("what answers is no gateway")
    if parts[1] != "200":
        raise HookError("the gateway answered " + parts[1])
    said = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if "transfer-encoding" in said or said.get("content-length") != str(len(body)):
        raise HookError("the answer was cut off")
    # Text that is no object would count as no opinion.
    if not (body.startswith(b"{") and body.rstrip().endswith(b"}")):
        raise HookError("the answer is no object")
    return body


def main(arguments: list[str]) -> int:
    """Carry one event."""
    try:
        options = asked_of(arguments)
        credential = os.environ.get(VARIABLE, "")
        if any(not "!" <= each <= "~" for each in credential):
            raise HookError(VARIABLE + " is no credential")
        event = event_of()
        link = connected(options)
        try:
            body = body_of(exchanged(link, options, credential, event))
        finally:
            link.close()
        os.write(1, body)
    except (HookError, OSError, ValueError, MemoryError) as error:
        os.write(2, f"ringfence: refused, {error}\n".encode("utf-8", "replace"))
        return REFUSED
    return 0


if __name__ == "__main__":
    # Whatever is raised past `main` refuses too: any other status would let the call run.
    status = REFUSED
    try:
        status = main(sys.argv[1:])
    finally:
        os._exit(status)
