"""What stands before every script: it runs in a box, with the standard library alone."""

import ctypes
import errno
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

__all__ = ["errno", "ssl", "subprocess", "sys", "time"]
"""Besides what is made here, scripts use these."""
F = os.environ
ID = F["ID"]
MARK = F["MARK"]
libc = ctypes.CDLL(None, use_errno=True)


def escaped(what: object = "") -> None:
    print("ESCAPED", what, flush=True)


def tried(number: int, *arguments: object) -> int:
    """A system call by its number; what it answers, or the negative errno."""
    ctypes.set_errno(0)
    given = [each if isinstance(each, bytes) else ctypes.c_long(int(str(each))) for each in arguments]
    answer = libc.syscall(ctypes.c_long(number), *given)
    error = ctypes.get_errno()
    name = errno.errorcode.get(error, "") if answer == -1 else ""
    print("syscall", number, answer, name)
    return -error if answer == -1 else int(answer)


def sh(script: str) -> str:
    ran = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, timeout=25, stdin=subprocess.DEVNULL)
    print(ran.stdout, ran.stderr, ran.returncode, sep="\n")
    return ran.stdout


def reader(path: str, most: int = 2_000_000) -> str:
    """A file, as far as it can be read."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            return (file.read(most) or b"").decode("utf-8", "replace").replace("\0", "\n")
    except OSError as error:
        return f"{path}: {error}"


def writer(path: str, text: str = MARK, mode: str = "a") -> None:
    with open(path, mode) as file:
        file.write(text)


def door() -> socket.socket:
    """The way out: the inner listener, and without a box a proxy that refuses nothing."""
    return socket.create_connection(("127.0.0.1", int(F["PROXY"])), 10)


def said(connection: socket.socket, data: bytes, most: int = 65536) -> bytes:
    """Send it, and everything that comes back."""
    connection.settimeout(3)
    connection.sendall(data)
    got = b""
    try:
        while len(got) < most and (piece := connection.recv(65536)):
            got += piece
    except OSError:
        pass
    print(got[:1500])
    return got


def connect(target: str, headers: str = "") -> socket.socket:
    """A CONNECT, and the socket behind it. Raises OSError with the answer."""
    connection = door()
    connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{headers}\r\n".encode("latin-1"))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            raise OSError("closed")
        head += piece
    print(head[:200])
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise OSError(head.decode("latin-1"))
    return connection


def tls(connection: socket.socket, name: str, check: bool = True) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    if not check:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=name)


def request(host: str, head: str, body: bytes = b"", name: str = "", port: int = 443) -> bytes:
    """One request over TLS through the way out. `head` has no Host."""
    with tls(connect(f"{host}:{port}"), name or host) as connection:
        return said(connection, f"{head}\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1") + body)


def quietly(function: Callable[..., Any], *arguments: Any) -> Any:
    """What it gives; what it raises is printed."""
    try:
        return function(*arguments)
    except (OSError, ValueError, OverflowError, IndexError, LookupError, TypeError, AttributeError) as error:
        print(type(error).__name__, error)
        return None
