"""`ringfence doctor sandbox` on this machine, and where user namespaces are taken away for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from ringfence.adapters.sandbox.bubblewrap.seccomp import program

DOCTOR = [sys.executable, "-m", "ringfence", "doctor", "sandbox", "--json"]
WHOLE = ["bwrap", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]


def asked(*before: str, **options: Any) -> tuple[int, Any]:
    with tempfile.TemporaryDirectory(prefix="ringfence-test-") as place:
        environment = {"PATH": os.environ["PATH"], "HOME": place, "XDG_RUNTIME_DIR": place}
        ran = subprocess.run(
            [*before, *DOCTOR], env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=place, **options
        )
    assert ran.stdout, ran.stderr[-2000:]
    return ran.returncode, json.loads(ran.stdout)


def layer(said: Any, name: str) -> dict[str, str]:
    return next(found for found in said["layers"] if found["layer"] == name)


def test_every_layer_that_a_profile_needs_is_there_or_the_exit_code_says_no() -> None:
    code, said = asked()
    assert code == 0, said
    assert said["profiles"]["code"] == {"runs": True, "missing": []}
    assert layer(said, "namespaces")["standing"] == "present"
    assert {found["remedy"] == "" for found in said["layers"] if found["standing"] == "present"} == {True}
    assert all(found["remedy"] for found in said["layers"] if found["standing"] != "present")


@pytest.mark.requirement("I21")
def test_where_the_kernel_counts_no_more_user_namespaces_it_refuses_and_names_the_limit() -> None:
    code, said = asked(*WHOLE, "--unshare-user", "--disable-userns", "--")
    assert code == 1
    found = layer(said, "namespaces")
    assert found["standing"] == "refused"
    assert "ENOSPC" in found["detail"] or "max_user_namespaces is 0" in found["detail"]
    assert "max_user_namespaces" in found["remedy"]
    assert said["profiles"]["code"]["runs"] is False


def test_where_the_limit_is_nought_it_refuses_and_names_the_limit() -> None:
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    code, said = asked("unshare", "--user", "--map-root-user", "sh", "-c", script, "sh")
    assert code == 1
    assert "user.max_user_namespaces is 0" in layer(said, "namespaces")["detail"]
    assert "sysctl -w user.max_user_namespaces" in layer(said, "namespaces")["remedy"]


def test_where_a_filter_refuses_namespaces_as_in_a_container_it_says_which_options_lift_it() -> None:
    with tempfile.TemporaryFile() as filter_:
        filter_.write(program())
        filter_.seek(0)
        held = filter_.fileno()
        code, said = asked(*WHOLE, "--seccomp", str(held), "--", pass_fds=(held,))
    assert code == 1
    found = layer(said, "namespaces")
    assert found["standing"] == "refused"
    assert "seccomp=unconfined" in found["remedy"]
    assert layer(said, "seccomp")["remedy"] == "see namespaces"


def test_without_bubblewrap_it_says_how_to_install_it() -> None:
    code, said = asked(*WHOLE, "--ro-bind", os.devnull, "/usr/bin/bwrap", "--")
    assert code == 1
    assert "apt-get install bubblewrap" in layer(said, "namespaces")["remedy"]


@pytest.mark.parametrize("name", ["light", "code", "ops"])
def test_people_see_each_profile(name: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [*DOCTOR[:-1]],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert f"profile {name:10} boxes can be made" in ran.stdout
