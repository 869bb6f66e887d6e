"""What to install or enable where a layer is not there."""

from __future__ import annotations

from ringfence.core.model.box import Layer

_DELEGATE = "start as root, or in a delegated scope: systemd-run --user --scope -p Delegate=yes ringfence ..."
REMEDIES = {
    Layer.NAMESPACES: "ringfence doctor sandbox says what stops user namespaces here",
    Layer.SECCOMP: "apt-get install libseccomp2",
    Layer.NO_NEW_PRIVILEGES: "Linux 3.5 or newer",
    Layer.RLIMITS: "ringfence doctor sandbox says what was refused",
    Layer.MEMORY: f"{_DELEGATE}; or take the need for `memory` from the profile: each process is then bounded alone",
    Layer.PROCESSES: f"Linux 5.14 or newer, or {_DELEGATE}",
    Layer.CPU: f"{_DELEGATE}; or take the need for `cpu` from the profile",
    Layer.OWN_UID: "start as root, on a workspace that is no folder of the host",
    Layer.SIZED_WORKSPACE: "work on a clone or in memory; or take the need for `sized_workspace` from the profile",
    Layer.INNER_LISTENER: "ringfence doctor sandbox says what was refused",
}
