"""The small parts that a box is made of."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ringfence.adapters.sandbox.bubblewrap import uids
from ringfence.adapters.sandbox.bubblewrap.argv import Descriptors, Root, flags
from ringfence.adapters.sandbox.bubblewrap.environment import box_environment
from ringfence.adapters.sandbox.bubblewrap.etc import made_files, made_links
from ringfence.adapters.sandbox.bubblewrap.limits import file_systems, rlimits
from ringfence.adapters.sandbox.bubblewrap.private import private_folder
from ringfence.adapters.sandbox.bubblewrap.records import Records
from ringfence.adapters.sandbox.bubblewrap.roots import roots_here, shown_paths
from ringfence.adapters.sandbox.bubblewrap.sandbox import BubblewrapSandbox
from ringfence.adapters.sandbox.bubblewrap.sweep import left_over, swept
from ringfence.adapters.sandbox.descriptors import readable
from ringfence.adapters.sandbox.names import PREFIX, is_orphan, pid_space, started, tag_of
from ringfence.core.model.box import BoxLimits, BoxProfile
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import BoxPlan

MAP_OF_A_HOST = "         0          0 4294967295\n"
MAP_OF_A_CONTAINER = "0 100000 65536\n"


def told(workspace: str | None = None) -> list[str]:
    return flags(
        roots=[Root(path="/usr"), Root(path="/bin", target="usr/bin")],
        shown=["/opt/tools"],
        links={"/etc/x": "/etc/y"},
        environment={"PATH": "/usr/bin"},
        limits=BoxLimits(),
        descriptors=Descriptors(seccomp=3, info=4, block=5, files={"/etc/passwd": 6}),
        workspace=workspace,
    )


def test_the_root_is_made_read_only_after_everything_is_mounted() -> None:
    options = told()
    last = max(
        index for index, option in enumerate(options) if option in ("--bind", "--ro-bind", "--tmpfs", "--dir", "--symlink")
    )
    assert options.index("/", last) > last
    assert options[options.index("/", last) - 1] == "--remount-ro"


def test_nothing_of_the_host_is_writable_but_a_folder_that_was_named() -> None:
    assert "--bind" not in told()
    options = told("/home/u/project")
    assert options[options.index("--bind") :][:3] == ["--bind", "/home/u/project", "/work"]
    assert options.count("--bind") == 1
    assert "--dev-bind" not in options


def test_no_namespace_is_shared_and_no_capability_is_kept() -> None:
    line = " ".join(told())
    for part in ("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session", "--cap-drop ALL"):
        assert part in line
    assert "--share-net" not in line


def test_the_plan_has_the_last_word_on_the_environment() -> None:
    made = box_environment({"A": "profile", "B": "profile"}, {"A": "plan"}, 8080, {"ca.pem": b""})
    assert (made["A"], made["B"], made["HTTPS_PROXY"]) == ("plan", "profile", "http://127.0.0.1:8080")
    assert made["SSL_CERT_FILE"] == "/etc/ringfence/ca.pem"
    assert "HTTPS_PROXY" not in box_environment({}, {}, None, {})


def test_its_etc_names_one_user_and_no_resolver() -> None:
    files = made_files({"note": b"x"})
    assert files["/etc/passwd"].startswith(b"agent:x:1000:1000:")
    assert files["/etc/resolv.conf"] == b""
    assert files["/etc/ringfence/note"] == b"x"
    assert made_links({}) == {}


@pytest.mark.parametrize("name", ["", "../passwd", "/etc/passwd", "a/b", ".hidden", "a\0b"])
def test_a_given_file_stays_in_its_folder(name: str) -> None:
    with pytest.raises(UnavailableError):
        made_files({name: b"x"})


async def test_a_value_is_never_read_as_another_option(tmp_path: Path) -> None:
    sandbox = BubblewrapSandbox(folder=tmp_path / "state")
    plan = BoxPlan(name="a", command=("true",), profile=BoxProfile(name="test"), environment={"A": "x\0--bind\0/\0/mnt"})
    with pytest.raises(UnavailableError, match="NUL"):
        await sandbox.start(plan)
    sandbox.close()
    assert list((tmp_path / "state" / "boxes").iterdir()) == []


def test_limits_are_per_box_where_the_kernel_counts_so() -> None:
    assert rlimits(BoxLimits(processes=10), processes=True)["NPROC"] == 11
    assert "NPROC" not in rlimits(BoxLimits(), processes=False)
    assert set(file_systems(BoxLimits(), own_workspace=False)) == {"/tmp", "/dev/shm"}


@pytest.mark.parametrize(
    "path", ["/", "usr", "/opt/../etc", "/proc", "/proc/1", "/sys/fs", "/dev/sda", "/etc", "/tmp", "/nonexistent"]
)
def test_a_path_that_no_box_may_be_shown_is_refused(path: str) -> None:
    with pytest.raises(UnavailableError):
        shown_paths([path])


def test_the_root_of_this_machine_is_usr_and_links_into_it() -> None:
    found = roots_here()
    assert found[0] == Root(path="/usr")
    assert not {root.path for root in found} & {"/home", "/root", "/var", "/run", "/etc", "/"}


def test_a_tag_names_its_maker_and_the_time_of_its_start() -> None:
    tag = tag_of("run-1")
    assert is_orphan(tag) is False
    assert is_orphan(f"run-1.{os.getpid()}.1.{pid_space()}") is True
    assert is_orphan(f"run-1.{os.getpid()}.1.1") is None, "a container's, seen from its host"
    assert is_orphan("anything else") is None
    for name in ("", "A", "a b", "a/b", "-a", "a" * 65):
        with pytest.raises(UnavailableError):
            tag_of(name)


def test_two_runs_never_hold_the_same_uid(tmp_path: Path) -> None:
    pool = uids.Uids(tmp_path / "uids", range(70_000, 70_064))
    held = [pool.take() for _ in range(64)]
    assert len({each.uid for each in held}) == 64
    with pytest.raises(UnavailableError):
        pool.take()
    held[5].give_back()
    assert pool.take().uid == held[5].uid


def test_uids_are_taken_from_what_is_mapped() -> None:
    assert uids.range_in(MAP_OF_A_HOST, MAP_OF_A_HOST) == uids.PREFERRED
    assert uids.range_in(MAP_OF_A_CONTAINER, MAP_OF_A_CONTAINER) == uids.IN_SMALL_MAPS
    assert uids.range_in(MAP_OF_A_HOST, "0 1000 1\n") is None
    assert uids.is_real_root(MAP_OF_A_HOST)
    assert not uids.is_real_root("0 1000 1\n")
    assert uids.may_change_user("CapEff:\t00000000000000c0\n")
    assert not uids.may_change_user("CapEff:\t0000000000000080\n")


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    assert private_folder(tmp_path / "own").is_dir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "own")
    (tmp_path / "file").touch()
    for name in ("open", "link", "file"):
        with pytest.raises(UnavailableError):
            private_folder(tmp_path / name)


def left_alone(tag: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([PREFIX + tag, "1000"], executable="/bin/sleep")


def seen_left_over(pid: int) -> bool:
    """The kernel shows the arguments of a new program a moment after it has begun to execute it."""
    return any(pid in list(left_over()) for _ in range(1000))


async def test_a_stopped_box_of_a_dead_supervisor_is_swept(tmp_path: Path) -> None:
    """What is left where the supervisor dies before bubblewrap has tied itself to it."""
    tag = f"left-over.{os.getpid()}.1.{pid_space()}"
    group = tmp_path / f"ringfence-{tag}"
    process = await asyncio.to_thread(left_alone, tag)
    records = Records(tmp_path / "state" / "boxes")
    records.write(tag, [tmp_path])
    group.mkdir()
    assert await asyncio.to_thread(seen_left_over, process.pid)
    pidfd = os.pidfd_open(process.pid)
    assert await swept(records) == 1
    assert await readable(pidfd, 20)
    os.close(pidfd)
    process.wait()
    assert not group.exists()
    assert await swept(records) == 0


async def test_a_record_never_points_at_somebody_elses_group(tmp_path: Path) -> None:
    records = Records(tmp_path / "state" / "boxes")
    tag = f"left-over.{os.getpid()}.1.{pid_space()}"
    records.write(tag, [])
    (tmp_path / "state" / "boxes" / tag).write_text(f"{tmp_path}/precious\n")
    (tmp_path / "precious").mkdir()
    assert await swept(records) == 1
    assert (tmp_path / "precious").is_dir()


def test_a_box_is_started_from_the_main_thread_only(tmp_path: Path) -> None:
    refused: list[str] = []

    async def start() -> None:
        sandbox = BubblewrapSandbox(folder=tmp_path / "state", python=Path(sys.executable))
        try:
            await sandbox.start(BoxPlan(name="a", command=("true",), profile=BoxProfile(name="test")))
        except UnavailableError as error:
            refused.append(error.remedy)
        finally:
            sandbox.close()

    thread = threading.Thread(target=lambda: asyncio.run(start()))
    thread.start()
    thread.join()
    assert "main thread" in refused[0]


def test_a_process_that_has_ended_has_no_start() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert started(process.pid) is None
