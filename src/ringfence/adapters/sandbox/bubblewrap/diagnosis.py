"""Why this machine makes no box, and what to do about it. Pure: what was seen is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.ports.sandbox import Standing

INSTALL = "apt-get install bubblewrap (Debian, Ubuntu), dnf install bubblewrap (Fedora), apk add bubblewrap (Alpine)"


class Step(StrEnum):
    """What was tried, from little to much. The first that fails says why the rest cannot work."""

    EXECUTE = "bwrap --version"
    USER_NAMESPACE = "bwrap --unshare-user"
    MOUNTS = "bwrap --unshare-all --proc /proc --dev /dev"
    DISABLE = "bwrap --disable-userns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One step that did not end with 0."""

    step: Step
    said: str
    """The last line of what bubblewrap wrote."""
    missing: bool = False
    """Whether the program is not there at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the machine says of itself. None: it has no such setting."""

    max_user_namespaces: int | None = None
    unprivileged_userns_clone: int | None = None
    apparmor_restricts: int | None = None
    filtered: bool = False
    """Whether a seccomp filter is on this process already."""
    container: str = ""
    """What says that this is one; empty: nothing does."""


def diagnosed(failure: Failure, around: Surroundings) -> tuple[Standing, str, str]:
    """Standing, what was seen, and what to install or enable."""
    seen = f"{failure.step}: {failure.said or 'it failed without a word'}"
    if failure.missing:
        return Standing.ABSENT, seen, INSTALL
    if failure.step is Step.EXECUTE:
        return Standing.REFUSED, seen, f"reinstall it: {INSTALL}"
    if failure.step is Step.DISABLE and "nknown option" in failure.said:
        return Standing.ABSENT, seen, "bubblewrap 0.8 or newer: Debian 12, Ubuntu 24.04, Fedora 38"
    if failure.step is Step.MOUNTS and "proc" in failure.said and around.container:
        return Standing.REFUSED, f"{seen} ({around.container})", _PROC
    return Standing.REFUSED, *_namespaces_refused(seen, failure, around)


def _namespaces_refused(seen: str, failure: Failure, around: Surroundings) -> tuple[str, str]:
    if around.max_user_namespaces == 0:
        return f"{seen}; user.max_user_namespaces is 0", _LIMIT
    if "ENOSPC" in failure.said:
        return seen, _LIMIT
    if around.unprivileged_userns_clone == 0:
        return f"{seen}; kernel.unprivileged_userns_clone is 0", "sysctl -w kernel.unprivileged_userns_clone=1"
    if around.container:
        return f"{seen}; {around.container}", _CONTAINER
    if around.apparmor_restricts:
        return f"{seen}; kernel.apparmor_restrict_unprivileged_userns is 1", _APPARMOR
    if around.filtered:
        return f"{seen}; a seccomp filter is on this process", _CONTAINER
    return (
        seen,
        "the kernel needs CONFIG_USER_NS, and nothing that forbids namespaces to this user (SELinux, a hardened kernel)",
    )


_LIMIT = (
    "sysctl -w user.max_user_namespaces=15000 on the host. Where this process is in a sandbox or a container that has set it "
    "to 0, start ringfence outside of it"
)
_CONTAINER = (
    "Docker and Podman: --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt "
    "systempaths=unconfined, or a seccomp profile that allows clone, unshare, setns, mount, umount2, pivot_root. Kubernetes: "
    "securityContext.seccompProfile.type: Unconfined, procMount: Unmasked, hostUsers: false. Else run ringfence on the host"
)
_PROC = "Docker and Podman: --security-opt systempaths=unconfined. Kubernetes: securityContext.procMount: Unmasked"
_APPARMOR = (
    "Ubuntu lets only the distribution's /usr/bin/bwrap make user namespaces, by a profile: apt-get install bubblewrap "
    "apparmor-profiles, ln -s /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/, systemctl reload "
    "apparmor; or, for the whole machine, sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
)
