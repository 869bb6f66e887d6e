"""The system calls that nothing in a box may make: the doors into the kernel that its work does not need.

The default is to allow. What is refused answers EPERM, as a call without the privilege does, so programs take the way they
take for ordinary users. `clone3` and `openat2` answer ENOSYS: their flags lie behind a pointer, which no filter can read, and
every C library then uses `clone` and `openat`. Numbers are compared on the 32 bits that the kernel reads, so the upper half of
a register hides nothing.
An architecture that the filter does not name is killed, which is libseccomp's own default.

libseccomp (LGPL-2.1, a system library) knows the numbers of every architecture and compiles the program. The few functions
that are needed are called through ctypes: the package on PyPI that wraps them runs `ldconfig` and at times a compiler to find
the library, on every start.
"""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache

from ringfence.errors import UnavailableError

LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_EQUAL, _MASKED_EQUAL = 4, 7
_UNKNOWN_CALL = -1
_LOW_32 = 0xFFFFFFFF

MOUNTS = (
    "mount umount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick mount_setattr "
    "statmount listmount"
)
NAMESPACES = "unshare setns"
OTHER_PROCESSES = "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise"
KERNEL = (
    "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key kexec_load "
    "kexec_file_load init_module finit_module delete_module create_module get_kernel_syms query_module syslog acct reboot "
    "swapon swapoff quotactl quotactl_fd fanotify_init fanotify_mark open_by_handle_at name_to_handle_at lookup_dcookie "
    "vmsplice move_pages migrate_pages mbind set_mempolicy get_mempolicy set_mempolicy_home_node iopl ioperm modify_ldt "
    "vm86 vm86old clock_settime clock_settime64 clock_adjtime clock_adjtime64 settimeofday stime adjtimex sethostname "
    "setdomainname vhangup uselib ustat sysfs _sysctl nfsservctl afs_syscall tuxcall security getpmsg putpmsg vserver idle "
    "bdflush"
)
CLONE_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
"""mount, cgroup, uts, ipc, user, pid, net: include/uapi/linux/sched.h."""
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
DEVICE_NODES = (0o020000, 0o060000)
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NEWER = {
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443, "set_mempolicy_home_node": 450,
    "fchmodat2": 452, "statmount": 457, "listmount": 458, "open_tree_attr": 467,
}  # fmt: skip
"""Numbers that a libseccomp older than the kernel may not know. From 424 on they are the same on every architecture."""
SET_ID_BITS = (0o4000, 0o2000)
MODE_AT = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "creat": 1, "mknod": 1, "mknodat": 2}
"""Which argument is a mode."""
OPENS = {"open": (1, 2), "openat": (2, 3)}
"""Which arguments are flags and mode; the mode counts only where a file is made."""
O_CREAT, O_TMPFILE = 0o100, 0o20000000
FAMILIES = (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)
SOCK_RAW, SOCK_PACKET, SOCK_TYPE = 3, 10, 0xF


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp` of seccomp.h."""

    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("datum_a", ctypes.c_uint64), ("datum_b", ctypes.c_uint64)]


def _masked(argument: int, mask: int, value: int) -> _Comparison:
    return _Comparison(argument, _MASKED_EQUAL, mask, value)


def _low(argument: int, value: int) -> _Comparison:
    return _masked(argument, _LOW_32, value)


@cache
def program() -> bytes:
    """The filter as the kernel takes it: an array of `struct sock_filter`. Compiled once in a process.

    Raises UnavailableError where libseccomp is missing or does not do what it is asked.
    """
    library = _library()
    context = library.seccomp_init(_ALLOW)
    if not context:
        raise UnavailableError("libseccomp makes no filter")
    try:
        filter_ = _Filter(library, context)
        _refuse_calls(filter_)
        _refuse_arguments(filter_)
        return filter_.compiled()
    finally:
        library.seccomp_release(context)


def _refuse_calls(filter_: _Filter) -> None:
    for name in f"{MOUNTS} {NAMESPACES} {OTHER_PROCESSES} {KERNEL}".split():
        filter_.refuse(name)
    for name in ("clone3", "openat2"):
        filter_.refuse(name, answer=errno.ENOSYS)


def _refuse_arguments(filter_: _Filter) -> None:
    for flag in CLONE_NAMESPACES:
        filter_.refuse("clone", _masked(0, flag, flag))
    for kind in DEVICE_NODES:
        filter_.refuse("mknod", _masked(1, 0o170000, kind))
        filter_.refuse("mknodat", _masked(2, 0o170000, kind))
    _refuse_set_id(filter_)
    for request in (TIOCSTI, TIOCLINUX):
        filter_.refuse("ioctl", _low(1, request))
    for bit in range(5, 32):
        filter_.refuse("socket", _masked(0, 1 << bit, 1 << bit), answer=errno.EAFNOSUPPORT)
    for family in sorted(set(range(32)) - set(FAMILIES)):
        filter_.refuse("socket", _low(0, family), answer=errno.EAFNOSUPPORT)
    for protocol_bit in range(32):
        filter_.refuse("socket", _low(0, AF_NETLINK), _masked(2, 1 << protocol_bit, 1 << protocol_bit))
    for family in (AF_INET, AF_INET6):
        for kind in (SOCK_RAW, SOCK_PACKET):
            filter_.refuse("socket", _low(0, family), _masked(1, SOCK_TYPE, kind))


def _refuse_set_id(filter_: _Filter) -> None:
    """No program that makes somebody else of whoever executes it: it would stay in a folder shared with the user."""
    for bit in SET_ID_BITS:
        for name, mode in MODE_AT.items():
            filter_.refuse(name, _masked(mode, bit, bit))
        for name, (flags, mode) in OPENS.items():
            for makes in (O_CREAT, O_TMPFILE):
                filter_.refuse(name, _masked(flags, makes, makes), _masked(mode, bit, bit))


class _Filter:
    def __init__(self, library: ctypes.CDLL, context: int) -> None:
        self._library = library
        self._context = context

    def refuse(self, name: str, *where: _Comparison, answer: int = errno.EPERM) -> None:
        """A name that this architecture or this libseccomp does not know is passed over: it cannot be called by that name."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number == _UNKNOWN_CALL:
            number = NEWER.get(name, _UNKNOWN_CALL)
        if number == _UNKNOWN_CALL:
            return
        comparisons = (_Comparison * len(where))(*where)
        outcome = self._library.seccomp_rule_add_array(self._context, _ERRNO | answer, number, len(where), comparisons)
        if outcome != 0:
            raise UnavailableError(f"libseccomp does not take a rule for {name}: {os.strerror(-outcome)}")

    def compiled(self) -> bytes:
        held = os.memfd_create("filter", os.MFD_CLOEXEC)
        try:
            outcome = self._library.seccomp_export_bpf(self._context, held)
            if outcome != 0:
                raise UnavailableError(f"libseccomp does not compile the filter: {os.strerror(-outcome)}")
            return os.pread(held, os.fstat(held).st_size, 0)
        finally:
            os.close(held)


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise UnavailableError(f"{LIBRARY} cannot be loaded", remedy="apt-get install libseccomp2") from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.restype = None
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p,
    ]  # fmt: skip
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return library
