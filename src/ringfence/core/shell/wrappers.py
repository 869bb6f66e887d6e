"""Programs that run another program which stands behind their options. Their option grammars, as their manuals give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.shell.options import Grammar


@dataclass(frozen=True, slots=True)
class Wrapper:
    grammar: Grammar = Grammar()
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
    text: tuple[str, ...] = ()
    """Options whose value is text for a shell."""
    moves: tuple[str, ...] = ()
    """Options whose value is the directory that the command runs in."""
    stops: tuple[str, ...] = ()
    """Options with which no command is run."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SUDO: Final = Grammar(
    flags="ABbEeHiKklNnPSsVv",
    valued="CDghpRrTtUu",
    long_flags=_names(
        "askpass background bell edit help set-home login remove-timestamp reset-timestamp list no-update "
        "non-interactive preserve-groups "
        "stdin shell version validate preserve-env"
    ),
    long_valued=_names("close-from chdir group host prompt chroot role type command-timeout other-user user"),
)
_TRACE: Final = Grammar(
    flags="cCdDfFhiknNqrtTvVwxyYzZAbl",
    valued="aeIoOpPsSuUXE",
    long_flags=_names("follow-forks seccomp-bpf summary-only summary no-abbrev"),
    long_valued=_names("output trace string-limit expr env attach user"),
)
_ENTER: Final = Grammar(
    flags="aCFfcrUuZeTimnp",
    valued="tSGRw",
    attached="",
    long_flags=_names(
        "all fork preserve-credentials no-fork map-root-user map-current-user map-auto keep-caps mount uts ipc net pid "
        "user cgroup time"
    ),
    long_valued=_names(
        "target setuid setgid root wd map-user map-group map-users map-groups propagation setgroups monotonic boottime"
    ),
)
WRAPPERS: Final[dict[str, Wrapper]] = {
    "env": Wrapper(
        Grammar(
            flags="i0v",
            valued="uCSa",
            long_flags=_names(
                "ignore-environment null debug list-signal-handling block-signal default-signal ignore-signal help version"
            ),
            long_valued=_names("unset chdir split-string argv0"),
        ),
        assigns=True,
        moves=("C", "chdir"),
    ),
    "sudo": Wrapper(
        _SUDO, assigns=True, is_own=True, moves=("D", "chdir"), stops=("e", "edit", "l", "list", "k", "K", "v", "V")
    ),
    "doas": Wrapper(Grammar(flags="Lns", valued="aCu"), is_own=True),
    "pkexec": Wrapper(Grammar(long_valued=_names("user"), long_flags=_names("disable-internal-agent keep-cwd")), is_own=True),
    "timeout": Wrapper(
        Grammar(
            flags="fpv",
            valued="ks",
            long_flags=_names("foreground preserve-status verbose"),
            long_valued=_names("kill-after signal"),
        ),
        operands=1,
    ),
    "nohup": Wrapper(Grammar(long_flags=_names("help version"))),
    "nice": Wrapper(Grammar(valued="n", long_valued=_names("adjustment"), numbers=True)),
    "ionice": Wrapper(
        Grammar(flags="t", valued="cnpPu", long_flags=_names("ignore"), long_valued=_names("class classdata pid pgid uid"))
    ),
    "chrt": Wrapper(
        Grammar(
            flags="abdefiomrRvG",
            valued="pTPD",
            long_flags=_names("all-tasks batch deadline fifo idle other rr reset-on-fork verbose"),
        ),
        operands=1,
    ),
    "taskset": Wrapper(Grammar(flags="ac", valued="p", long_flags=_names("all-tasks cpu-list")), operands=1),
    "setsid": Wrapper(Grammar(flags="cfw", long_flags=_names("ctty fork wait"))),
    "setarch": Wrapper(Grammar(flags="BFILRSTXZv3", long_flags=_names("addr-no-randomize verbose 32bit")), operands=1),
    "stdbuf": Wrapper(Grammar(valued="ioe", long_valued=_names("input output error"))),
    "unbuffer": Wrapper(Grammar(flags="p")),
    "time": Wrapper(
        Grammar(
            flags="apqvV",
            valued="fo",
            long_flags=_names("append portability quiet verbose"),
            long_valued=_names("format output"),
        )
    ),
    "chronic": Wrapper(Grammar(flags="ve")),
    "eatmydata": Wrapper(),
    "fakeroot": Wrapper(Grammar(flags="u", valued="lsib", long_valued=_names("lib faked"))),
    "setpriv": Wrapper(
        Grammar(
            flags="dhV",
            long_flags=_names("clear-groups keep-groups init-groups no-new-privs nnp reset-env dump list-caps"),
            long_valued=_names(
                "ambient-caps inh-caps bounding-set ruid euid rgid egid reuid regid groups securebits pdeathsig "
                "ptracer selinux-label "
                "apparmor-profile landlock-access landlock-rule seccomp-filter"
            ),
        )
    ),
    "prlimit": Wrapper(
        Grammar(
            attached="cdefilmnpqrstuvxy",
            long_flags=_names("raw noheadings verbose core data nofile nproc stack as cpu fsize memlock"),
        )
    ),
    "unshare": Wrapper(_ENTER, is_own=True),
    "nsenter": Wrapper(_ENTER, is_own=True, leaves=True),
    "chroot": Wrapper(
        Grammar(long_flags=_names("skip-chdir"), long_valued=_names("userspec groups")), operands=1, is_own=True, leaves=True
    ),
    "flock": Wrapper(
        Grammar(
            flags="snxuoeFv",
            valued="wEc",
            long_flags=_names("shared nonblock nb exclusive unlock close no-fork verbose"),
            long_valued=_names("wait timeout conflict-exit-code command"),
        ),
        operands=1,
    ),
    "strace": Wrapper(_TRACE, is_own=True),
    "ltrace": Wrapper(_TRACE, is_own=True),
    "runuser": Wrapper(
        Grammar(
            flags="flmpP",
            valued="cgGsuTw",
            long_flags=_names("fast login preserve-environment pty"),
            long_valued=_names("command session-command group supp-group shell user whitelist-environment"),
        ),
        is_own=True,
        text=("c", "command", "session-command"),
    ),
    "watch": Wrapper(
        Grammar(
            flags="bcCdefgprtwx",
            valued="nqs",
            long_flags=_names("beep color no-color differences errexit chgexit precise no-rerun no-title no-wrap exec follow"),
            long_valued=_names("interval equexit shotsdir"),
        ),
        is_text=True,
    ),
    "ssh": Wrapper(
        Grammar(flags="46AaCfGgKkMNnqsTtVvXxYy", valued="BbcDEeFIiJLlmOoPpQRSWw"),
        operands=1,
        is_own=True,
        is_text=True,
        leaves=True,
    ),
    "systemd-run": Wrapper(
        Grammar(
            flags="GPqrStd",
            valued="EHMpu",
            long_flags=_names(
                "user system scope no-block wait pipe pty quiet remain-after-exit send-sighup collect same-dir shell "
                "no-ask-password ignore-failure"
            ),
            long_valued=_names(
                "host machine unit property description slice uid gid nice working-directory setenv service-type "
                "on-active on-boot on-startup "
                "on-unit-active on-unit-inactive on-calendar timer-property path-property socket-property"
            ),
        ),
        is_own=True,
        moves=("working-directory",),
    ),
    "busybox": Wrapper(Grammar(long_flags=_names("list list-full install help"))),
    "toybox": Wrapper(),
    "entr": Wrapper(Grammar(flags="acdnprszx"), is_own=True),
    "torsocks": Wrapper(Grammar(flags="di", valued="auPp"), is_own=True),
    "proxychains": Wrapper(Grammar(flags="q", valued="f"), is_own=True),
    "proxychains4": Wrapper(Grammar(flags="q", valued="f"), is_own=True),
    "catchsegv": Wrapper(),
    "rlwrap": Wrapper(Grammar(flags="acEhimnNoprRsvWz", valued="bBCDfgHlMPqStUw"), is_own=True),
    "xvfb-run": Wrapper(Grammar(flags="al", valued="efnpsw", long_flags=_names("auto-servernum listen-tcp"))),
    "dbus-run-session": Wrapper(Grammar(long_valued=_names("config-file dbus-daemon"))),
}
for _name in ("linux32", "linux64", "i386", "x86_64"):
    WRAPPERS[_name] = Wrapper(Grammar(flags="BFILRSTXZv3"))
