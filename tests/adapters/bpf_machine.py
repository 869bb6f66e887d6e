"""Runs a seccomp filter on a system call, as the kernel does (filter.h, seccomp.h): enough of classic BPF for such filters."""

from __future__ import annotations

import struct

X86_64, I386 = 0xC000003E, 0x40000003
ALLOW, KILL_PROCESS, KILL_THREAD, ERRNO = 0x7FFF0000, 0x80000000, 0x00000000, 0x00050000


def judge(program: bytes, number: int, *arguments: int, architecture: int = X86_64) -> int:
    """What the filter returns. Raises ValueError for an instruction that it does not know."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<iIQ6Q", number, architecture, 0, *(value & 0xFFFFFFFFFFFFFFFF for value in padded))
    code = list(struct.iter_unpack("<HBBI", program))
    held, at = 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == 0x20:
            (held,) = struct.unpack_from("<I", data, value)
        elif operation == 0x54:
            held &= value
        elif operation == 0x05:
            at += value
        elif operation in (0x15, 0x25, 0x35, 0x45):
            yes = {0x15: held == value, 0x25: held > value, 0x35: held >= value, 0x45: bool(held & value)}[operation]
            at += if_true if yes else if_false
        elif operation == 0x06:
            return value
        else:
            raise ValueError(f"instruction {operation:#x}")
