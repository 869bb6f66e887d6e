"""Programs that run another program which stands behind their options. Their option grammars, as their manuals give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.shell.programs.options import Grammar, getopt


@dataclass(frozen=True, slots=True)
class Wrapper:
    grammar: Grammar = getopt()
    operands: int = 0
    """Words between its options and the command: the time of `timeout`."""
    assigns: bool = False
    """`NAME=value` may stand before the command."""
    is_own: bool = False
    """It is an act of its own besides the command: it gives rights, reaches elsewhere, or takes more from its input."""
    is_text: bool = False
    """What follows is joined and given to a shell."""
    leaves: bool = False
    """The command runs elsewhere: another machine, container or root."""
    words: tuple[str, ...] = ()
    """Options with which it is run as it stands after all."""
    text: tuple[str, ...] = ()
    """Options whose value is text for a shell."""
    text_with: tuple[str, ...] = ()
    """Options with which the first word behind is text for a shell."""
    text_behind: tuple[str, ...] = ()
    """Words behind its operands that are followed by text for a shell."""
    reads_on: bool = False
    """Options may stand behind its operands too."""
    settings: tuple[str, ...] = ()
    """Options whose value may name a command, or a file of settings that does."""
    takes_more: bool = False
    """More words are added when it runs."""
    moves: tuple[str, ...] = ()
    """Options whose value is the directory that the command runs in."""
    stops: tuple[str, ...] = ()
    """Options with which no command is run."""


_SUDO: Final = getopt(
    "ABbEeHiKklNnPSsVvC:D:g:h:p:R:r:T:t:U:u:",
    "askpass background bell edit help set-home login remove-timestamp reset-timestamp list no-update "
    "non-interactive preserve-groups stdin shell version validate preserve-env close-from: chdir: "
    "group: host: prompt: chroot: role: type: command-timeout: other-user: user:",
)
_TRACE: Final = getopt(
    "cCdDfFhiknNqrtTvVwxyYzZAbla:e:I:o:O:p:P:s:S:u:U:X:E:",
    "follow-forks seccomp-bpf summary-only summary no-abbrev output: trace: string-limit: expr: env: attach: user:",
)
_ENTER: Final = getopt(
    "aCFfcrUuZeTimnpt:S:G:R:w:",
    "all fork preserve-credentials no-fork map-root-user map-current-user map-auto keep-caps mount "
    "uts ipc net pid user cgroup time target: setuid: setgid: root: wd: map-user: map-group: "
    "map-users: map-groups: propagation: setgroups: monotonic: boottime:",
)
_ARCH: Final = Wrapper(getopt("BFILRSTXZv3"))
WRAPPERS: Final[dict[str, Wrapper]] = {
    "env": Wrapper(
        getopt(
            "i0vu:C:S:a:",
            "ignore-environment null debug list-signal-handling block-signal default-signal ignore-signal "
            "help version unset: chdir: split-string: argv0:",
        ),
        assigns=True,
        moves=("C", "chdir"),
    ),
    "sudo": Wrapper(
        _SUDO, assigns=True, is_own=True, moves=("D", "chdir"), stops=("e", "edit", "l", "list", "k", "K", "v", "V")
    ),
    "doas": Wrapper(getopt("Lnsa:C:u:"), is_own=True),
    "pkexec": Wrapper(getopt("", "disable-internal-agent keep-cwd user:"), is_own=True),
    "timeout": Wrapper(
        getopt("fpvk:s:", "foreground preserve-status verbose kill-after: signal:"),
        operands=1,
    ),
    "nohup": Wrapper(getopt("", "help version")),
    "nice": Wrapper(getopt("n:", "adjustment:", numbers=True)),
    "ionice": Wrapper(getopt("tc:n:p:P:u:", "ignore class: classdata: pid: pgid: uid:")),
    "chrt": Wrapper(
        getopt("abdefiomrRvGp:T:P:D:", "all-tasks batch deadline fifo idle other rr reset-on-fork verbose"),
        operands=1,
    ),
    "taskset": Wrapper(getopt("acp:", "all-tasks cpu-list"), operands=1),
    "setsid": Wrapper(getopt("cfw", "ctty fork wait")),
    "setarch": Wrapper(getopt("BFILRSTXZv3", "addr-no-randomize verbose 32bit"), operands=1),
    "stdbuf": Wrapper(getopt("i:o:e:", "input: output: error:")),
    "unbuffer": Wrapper(getopt("p")),
    "time": Wrapper(getopt("apqvVf:o:", "append portability quiet verbose format: output:"), is_own=True),
    "chronic": Wrapper(getopt("ve")),
    "eatmydata": Wrapper(),
    "fakeroot": Wrapper(getopt("ul:s:i:b:", "lib: faked:")),
    "setpriv": Wrapper(
        getopt(
            "dhV",
            "clear-groups keep-groups init-groups no-new-privs nnp reset-env dump list-caps ambient-caps: "
            "inh-caps: bounding-set: ruid: euid: rgid: egid: reuid: regid: groups: securebits: pdeathsig: "
            "ptracer: selinux-label: apparmor-profile: landlock-access: landlock-rule: seccomp-filter:",
        )
    ),
    "prlimit": Wrapper(
        getopt(
            "c::d::e::f::i::l::m::n::p::q::r::s::t::u::v::x::y::",
            "raw noheadings verbose core data nofile nproc stack as cpu fsize memlock",
        )
    ),
    "unshare": Wrapper(_ENTER, is_own=True),
    "nsenter": Wrapper(_ENTER, is_own=True, leaves=True),
    "chroot": Wrapper(getopt("", "skip-chdir userspec: groups:"), operands=1, is_own=True, leaves=True),
    "flock": Wrapper(
        getopt(
            "snxuoeFvw:E:c:",
            "shared nonblock nb exclusive unlock close no-fork verbose wait: timeout: conflict-exit-code: command:",
        ),
        operands=1,
        text_behind=("-c", "--command"),
    ),
    "strace": Wrapper(_TRACE, is_own=True),
    "ltrace": Wrapper(_TRACE, is_own=True),
    "runuser": Wrapper(
        getopt(
            "flmpPc:g:G:s:u:T:w:",
            "fast login preserve-environment pty command: session-command: group: supp-group: shell: user: "
            "whitelist-environment:",
        ),
        is_own=True,
        text=("c", "command", "session-command"),
    ),
    "watch": Wrapper(
        getopt(
            "bcCdefgprtwxn:q:s:",
            "beep color no-color differences errexit chgexit precise no-rerun no-title no-wrap exec follow "
            "interval: equexit: shotsdir:",
        ),
        is_text=True,
        words=("x", "exec"),
    ),
    "ssh": Wrapper(
        getopt("46AaCfGgKkMNnqsTtVvXxYyB:b:c:D:E:e:F:I:i:J:L:l:m:O:o:P:p:Q:R:S:W:w:"),
        operands=1,
        is_own=True,
        is_text=True,
        leaves=True,
        reads_on=True,
        settings=("o", "F"),
    ),
    "systemd-run": Wrapper(
        getopt(
            "GPqrStdE:H:M:p:u:",
            "user system scope no-block wait pipe pty quiet remain-after-exit send-sighup collect same-dir "
            "shell no-ask-password ignore-failure host: machine: unit: property: description: slice: uid: "
            "gid: nice: working-directory: setenv: service-type: on-active: on-boot: on-startup: "
            "on-unit-active: on-unit-inactive: on-calendar: timer-property: path-property: socket-property:",
        ),
        is_own=True,
        moves=("working-directory",),
    ),
    "busybox": Wrapper(getopt("", "list list-full install help")),
    "toybox": Wrapper(),
    "entr": Wrapper(getopt("acdnprszx"), is_own=True, text_with=("s",), takes_more=True),
    "torsocks": Wrapper(getopt("dia:u:P:p:"), is_own=True),
    "proxychains": Wrapper(getopt("qf:"), is_own=True),
    "proxychains4": Wrapper(getopt("qf:"), is_own=True),
    "catchsegv": Wrapper(),
    "rlwrap": Wrapper(getopt("acEhimnNoprRsvWzb:B:C:D:f:g:H:l:M:P:q:S:t:U:w:"), is_own=True),
    "xvfb-run": Wrapper(getopt("ale:f:n:p:s:w:", "auto-servernum listen-tcp")),
    "dbus-run-session": Wrapper(getopt("", "config-file: dbus-daemon:")),
    **dict.fromkeys(("linux32", "linux64", "i386", "x86_64"), _ARCH),
}
