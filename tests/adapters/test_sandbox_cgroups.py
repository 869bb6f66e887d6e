"""Cgroups of a box on trees of files that look like each version's, and on this machine's where it lets us."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.adapters.sandbox.bubblewrap.cgroup_places import Places, mounted, own_folder, own_groups, places_here
from ringfence.adapters.sandbox.bubblewrap.cgroups import BoxGroup, make_group, settings
from ringfence.core.model.box import BoxLimits, Layer
from ringfence.errors import UnavailableError

LIMITS = BoxLimits(memory_mib=64, processes=20, cpu_percent=150)
LINE = "36 25 0:31 {root} {at} rw,nosuid shared:9 - {kind} cgroup rw,{options}"


def mount(at: Path, kind: str, options: str = "", root: str = "/") -> str:
    at.mkdir(parents=True, exist_ok=True)
    return LINE.format(root=root, at=at, kind=kind, options=options)


def test_mounts_and_own_groups_are_read() -> None:
    line = LINE.format(root="/", at="/sys/fs/cgroup/memory", kind="cgroup", options="memory")
    (found,) = mounted(f"{line}\n22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
    assert "memory" in found.controllers
    assert own_groups("4:memory:/a/b\n3:cpu,cpuacct:/c\n0::/d\n") == {
        "memory": "/a/b",
        "cpu": "/c",
        "cpuacct": "/c",
        "v2": "/d",
    }


def test_a_container_that_sees_its_own_group_as_the_root_uses_the_mount_point(tmp_path: Path) -> None:
    (found,) = mounted(mount(tmp_path / "memory", "cgroup", "memory", root="/docker/abc"))
    assert own_folder(found, "/docker/abc") == tmp_path / "memory"
    assert own_folder(found, "/../../elsewhere") == tmp_path / "memory"


def test_version_1_gives_each_controller_a_place_of_its_own(tmp_path: Path) -> None:
    lines = [mount(tmp_path / name, "cgroup", name) for name in ("memory", "pids", "freezer")]
    (tmp_path / "memory" / "ours").mkdir()
    places = places_here("\n".join(lines), "1:memory:/ours\n2:pids:/\n3:freezer:/\n", root=True)
    assert places.parents["memory"] == tmp_path / "memory" / "ours"
    assert set(places.parents) == {"memory", "pids", "freezer"}
    assert places.unified == frozenset()


def test_version_2_gives_what_the_parent_hands_down(tmp_path: Path) -> None:
    line = mount(tmp_path / "v2", "cgroup2")
    (tmp_path / "v2" / "cgroup.subtree_control").write_text("memory pids io")
    places = places_here(line, "0::/\n", root=True)
    assert set(places.parents) == {"v2", "memory", "pids"}
    assert places.unified == {"v2", "memory", "pids"}


def test_version_2_is_asked_to_hand_controllers_down(tmp_path: Path) -> None:
    line = mount(tmp_path / "v2", "cgroup2")
    (tmp_path / "v2" / "cgroup.controllers").write_text("memory pids io")
    places_here(line, "0::/\n", root=True)
    assert (tmp_path / "v2" / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_a_tree_that_cannot_be_written_is_no_place() -> None:
    line = LINE.format(root="/", at="/proc/self/fdinfo", kind="cgroup2", options="")
    assert places_here(line, "0::/\n", root=False).parents == {}


def test_limits_are_written_for_either_version() -> None:
    assert settings("memory", LIMITS, unified=True) == {"memory.max": str(64 << 20), "memory.swap.max": "0"}
    assert settings("memory", LIMITS, unified=False)["memory.limit_in_bytes"] == str(64 << 20)
    assert settings("cpu", LIMITS, unified=True) == {"cpu.max": "150000 100000"}
    assert settings("cpu", LIMITS, unified=False) == {"cpu.cfs_quota_us": "150000"}
    assert settings("pids", LIMITS, unified=True) == {"pids.max": "21"}


def test_a_group_with_its_limits_read_back_is_a_layer(tmp_path: Path) -> None:
    group = make_group(
        Places(parents={"memory": tmp_path, "v2": tmp_path}, unified=frozenset({"memory", "v2"})), "a.1.2", LIMITS
    )
    assert group.layers == {Layer.MEMORY}
    assert (tmp_path / "ringfence-a.1.2" / "memory.max").read_text() == str(64 << 20)
    assert group.may_freeze


def test_a_group_that_cannot_be_made_is_no_layer(tmp_path: Path) -> None:
    (tmp_path / "ringfence-a.1.2").write_text("in the way")
    group = make_group(Places(parents={"memory": tmp_path}), "a.1.2", LIMITS)
    assert group.layers == frozenset()
    assert not group.may_freeze


def test_a_process_that_cannot_be_moved_makes_no_box(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as refused:
        BoxGroup({"memory": tmp_path / "gone"}, frozenset()).add(1)
    assert "systemd-run" in refused.value.remedy


@pytest.mark.parametrize(
    ("unified", "file", "text", "starved"),
    [
        (True, "memory.events", "oom 1\noom_kill 1\n", True),
        (True, "memory.events", "oom 1\noom_kill 0\n", False),
        (False, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", True),
        (False, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", False),
    ],
)
def test_the_kernel_says_whether_it_killed_for_memory(
    tmp_path: Path, unified: bool, file: str, text: str, starved: bool
) -> None:
    (tmp_path / file).write_text(text)
    group = BoxGroup({"memory": tmp_path}, frozenset({"memory"}) if unified else frozenset())
    assert group.was_out_of_memory() is starved
