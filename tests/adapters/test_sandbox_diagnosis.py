"""What people are told where no box can be made."""

from __future__ import annotations

import pytest

from ringfence.adapters.sandbox.bubblewrap.diagnosis import Failure, Step, Surroundings, diagnosed
from ringfence.ports.sandbox import Standing

MISSING = Failure(step=Step.EXECUTE, said="no such file", missing=True)
FULL = Failure(step=Step.USER_NAMESPACE, said="x (ENOSPC)")
NO_PROC = Failure(step=Step.MOUNTS, said="Can't mount proc on /newroot/proc")
DENIED = Failure(step=Step.USER_NAMESPACE, said="bwrap: No permissions to create new namespace")


@pytest.mark.parametrize(
    ("failure", "around", "standing", "remedy"),
    [
        (MISSING, Surroundings(), Standing.ABSENT, "apt-get install bubblewrap"),
        (Failure(step=Step.EXECUTE, said=""), Surroundings(), Standing.REFUSED, "reinstall"),
        (DENIED, Surroundings(max_user_namespaces=0), Standing.REFUSED, "sysctl -w user.max_user_namespaces"),
        (DENIED, Surroundings(unprivileged_userns_clone=0), Standing.REFUSED, "sysctl -w kernel.unprivileged_userns_clone=1"),
        (DENIED, Surroundings(apparmor_restricts=1), Standing.REFUSED, "apparmor_restrict_unprivileged_userns=0"),
        (DENIED, Surroundings(apparmor_restricts=1, container="a container"), Standing.REFUSED, "seccomp=unconfined"),
        (DENIED, Surroundings(filtered=True), Standing.REFUSED, "seccomp=unconfined"),
        (DENIED, Surroundings(), Standing.REFUSED, "CONFIG_USER_NS"),
        (FULL, Surroundings(container="c"), Standing.REFUSED, "max_user_namespaces"),
        (NO_PROC, Surroundings(container="c"), Standing.REFUSED, "systempaths"),
        (Failure(step=Step.DISABLE, said="Unknown option --disable-userns"), Surroundings(), Standing.ABSENT, "bubblewrap 0.8"),
    ],
)  # fmt: skip
def test_each_cause_has_its_remedy(failure: Failure, around: Surroundings, standing: Standing, remedy: str) -> None:
    found, detail, said = diagnosed(failure, around)
    assert found is standing
    assert remedy in said
    assert detail.startswith(failure.step)
