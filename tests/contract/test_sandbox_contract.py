"""The sandbox port on bubblewrap. Each scenario is a process of its own: as root, it runs once more as an ordinary user."""

from __future__ import annotations

import json

import pytest
from tests.contract.sandbox_scenarios import ALL, FOR_ROOT
from tests.contract.sandbox_world import run_module, ways

CASES = [
    pytest.param(way, name, id=f"{way}-{name}")
    for way in ways()
    for name in ALL
    if (way == "caller" and "stranger" in ways()) or name not in FOR_ROOT
]


@pytest.mark.requirement("I21")
@pytest.mark.parametrize(("way", "name"), CASES)
def test_every_box_holds(way: str, name: str) -> None:
    ran = run_module(way, "sandbox_scenarios", name)
    assert ran.returncode == 0, ran.stderr[-3000:]


@pytest.mark.requirement("I21")
@pytest.mark.parametrize("mode", ["stopped", "released", "paused"])
@pytest.mark.parametrize("way", ways())
def test_nothing_outlives_a_supervisor_that_is_killed(way: str, mode: str) -> None:
    ran = run_module(way, "sandbox_kill", mode)
    assert ran.returncode == 0, ran.stderr[-3000:]


@pytest.mark.parametrize("way", ways())
def test_the_probe_tells_root_and_an_ordinary_user_what_each_has(way: str) -> None:
    ran = run_module(way, "sandbox_probe")
    assert ran.returncode == 0, ran.stderr[-3000:]
    said = json.loads(ran.stdout)
    for layer in ("namespaces", "seccomp", "no_new_privileges", "rlimits", "processes", "sized_workspace", "inner_listener"):
        assert said[layer] == ["present", ""]
    if way == "stranger":
        assert said["own_uid"][0] == "refused"
        assert "systemd-run" in said["memory"][1]
