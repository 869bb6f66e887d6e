"""The filter of every box, judged as the kernel judges it."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.bpf_machine import ALLOW, ERRNO, I386, KILL_PROCESS, KILL_THREAD, judge

from ringfence.adapters.sandbox.bubblewrap.seccomp import program

READ, IOCTL, SOCKET, CLONE, MKNOD, MKNODAT = 0, 16, 41, 56, 133, 259
REFUSED = {
    "ptrace": 101, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308, "bpf": 321,
    "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "keyctl": 250, "add_key": 248, "request_key": 249, "kexec_load": 246, "init_module": 175, "finit_module": 313,
    "delete_module": 176, "syslog": 103, "acct": 163, "reboot": 169, "swapon": 167, "quotactl": 179, "fanotify_init": 300,
    "open_by_handle_at": 304, "name_to_handle_at": 303, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "pidfd_getfd": 438, "process_madvise": 440, "move_mount": 429, "open_tree": 428, "fsopen": 430, "fsmount": 432,
    "fsconfig": 431, "fspick": 433, "mount_setattr": 442, "open_tree_attr": 467, "listmount": 458, "quotactl_fd": 443,
    "vmsplice": 278, "move_pages": 279, "migrate_pages": 256, "mbind": 237, "iopl": 172, "ioperm": 173, "modify_ldt": 154,
    "clock_settime": 227, "settimeofday": 164, "adjtimex": 159, "sethostname": 170, "setdomainname": 171, "vhangup": 153,
}  # fmt: skip
"""By x86_64's numbers (arch/x86/entry/syscalls/syscall_64.tbl), so that the library is not judged by itself."""


@pytest.fixture(scope="module")
def filter_() -> bytes:
    if os.uname().machine != "x86_64":
        pytest.fail("the numbers in this file are those of x86_64: add this machine's")
    return program()


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_door_into_the_kernel_is_refused(filter_: bytes, name: str) -> None:
    assert judge(filter_, REFUSED[name]) == ERRNO | errno.EPERM


def test_what_programs_need_is_allowed(filter_: bytes) -> None:
    for number in (READ, 1, 2, 9, 42, 57, 59, 61, 202, 231, 257, 302, 318, 332, 334, 436, 439):
        assert judge(filter_, number) == ALLOW


def test_flags_behind_a_pointer_are_answered_as_if_the_call_did_not_exist(filter_: bytes) -> None:
    assert judge(filter_, 435) == ERRNO | errno.ENOSYS


@given(flags=st.integers(0, 2**64 - 1))
def test_a_clone_makes_no_namespace_whatever_else_it_asks_for(flags: int) -> None:
    new = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
    assert judge(program(), CLONE, flags) == (ERRNO | errno.EPERM if flags & new else ALLOW)


@given(high=st.integers(0, 2**32 - 1), request=st.sampled_from([0x5412, 0x541C, 0x5401, 0x5413]))
def test_the_upper_half_of_a_register_hides_no_terminal_injection(high: int, request: int) -> None:
    wanted = ERRNO | errno.EPERM if request in (0x5412, 0x541C) else ALLOW
    assert judge(program(), IOCTL, 0, high << 32 | request) == wanted


@given(high=st.integers(0, 2**32 - 1), family=st.integers(0, 2**32 - 1) | st.integers(0, 50), kind=st.sampled_from([1, 2, 5]))
def test_only_four_families_of_sockets_are_made(high: int, family: int, kind: int) -> None:
    wanted = ALLOW if family in (1, 2, 10, 16) else ERRNO | errno.EAFNOSUPPORT
    assert judge(program(), SOCKET, high << 32 | family, kind, 0) == wanted


@given(protocol=st.integers(0, 2**32 - 1) | st.integers(0, 30), flags=st.sampled_from([0, 0o2000000, 0o4000]))
def test_of_netlink_only_routes_are_asked(protocol: int, flags: int) -> None:
    assert judge(program(), SOCKET, 16, 3 | flags, protocol) == (ALLOW if protocol == 0 else ERRNO | errno.EPERM)


@given(family=st.sampled_from([2, 10]), flags=st.sampled_from([0, 0o2000000, 0o4000]), kind=st.sampled_from([1, 2, 3, 10]))
def test_raw_packets_are_refused(family: int, flags: int, kind: int) -> None:
    assert judge(program(), SOCKET, family, kind | flags, 0) == (ERRNO | errno.EPERM if kind in (3, 10) else ALLOW)


@given(kind=st.sampled_from([0o020000, 0o060000, 0o100000, 0o010000, 0o140000]), mode=st.integers(0, 0o7777))
def test_device_nodes_are_refused_and_other_nodes_are_made(kind: int, mode: int) -> None:
    refused = kind in (0o020000, 0o060000) or mode & 0o6000  # devices; and what would run as its owner or group
    wanted = ERRNO | errno.EPERM if refused else ALLOW
    assert judge(program(), MKNOD, 0, kind | mode) == wanted
    assert judge(program(), MKNODAT, 0, 0, kind | mode) == wanted


@given(number=st.integers(0, 500))
def test_another_architecture_is_killed(number: int) -> None:
    assert judge(program(), number, architecture=I386) in (KILL_PROCESS, KILL_THREAD)
    assert judge(program(), number | 0x40000000) in (KILL_PROCESS, KILL_THREAD)
