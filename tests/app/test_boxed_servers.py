"""What a server's box is shown, and what is refused before there is one; on folders of the test."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ringfence.app.boxes.keeping import WayOut
from ringfence.app.boxes.servers import BoxedServer, NoBook, Supervising
from ringfence.app.boxes.showing import GO_THERE, Showing, showing
from ringfence.core.box_profiles import PROFILES
from ringfence.core.model.identifiers import ServerId
from ringfence.engine.boxes.server_boxes import ServerProcess
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import Box, BoxPlan, Probed

X = ServerId("x")


@dataclass
class Refusing:
    """A sandbox that has less than any profile needs."""

    plans: list[BoxPlan] = field(default_factory=list[BoxPlan])

    async def probe(self) -> Sequence[Probed]:
        return ()

    async def start(self, plan: BoxPlan) -> Box:
        self.plans.append(plan)
        raise UnavailableError("profile light needs more than this machine gives a box: seccomp", remedy="give it seccomp")

    async def sweep(self) -> int:
        return 0


def nowhere(process: ServerProcess) -> WayOut:
    raise AssertionError(process)


def asking(folder: Path, *command: str, starts_there: bool = True) -> Showing:
    return Showing(
        command=command, folder=str(folder), starts_there=starts_there, shows=(), writable=(), hidden=(), by_others=False
    )


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


async def test_a_machine_that_gives_less_refuses_the_server_with_the_remedy(tmp_path: Path) -> None:
    sandbox = Refusing()
    on = Supervising(sandbox=sandbox, book=NoBook(), way_out=nowhere)
    server = BoxedServer(X, PROFILES["light"], asking(tmp_path, "sh", starts_there=False), lambda: on, way_out=False)
    with pytest.raises(UnavailableError, match="seccomp: give it seccomp"):
        await server.start("run:r", {"OWN": "1"}, (0, 1, 2))
    (plan,) = sandbox.plans
    assert plan.environment == {"OWN": "1"}
    assert plan.listener_port is None
    assert plan.command == ("/usr/bin/sh",) or plan.command == ("/bin/sh",)


def test_the_folder_is_shown_only_where_it_is_written(tmp_path: Path) -> None:
    shown = showing(asking(tmp_path, "sh", "-c", "true"), {})
    assert shown.shows == (str(tmp_path),)
    assert shown.command[: len(GO_THERE)] == GO_THERE
    assert shown.command[-2:] == ("-c", "true")
    assert showing(asking(tmp_path, "sh", starts_there=False), {}).shows == ()


def test_a_program_outside_names_the_environment_that_has_to_be_shown(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    program(venv / "bin/serve", f"#!{venv}/bin/python\n")
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\n")
    asked = asking(tmp_path / "elsewhere", str(venv / "bin/serve"), starts_there=False)
    with pytest.raises(UnavailableError, match=f"add `{venv}` to `box: shows:`"):
        showing(asked, {})
    assert showing(replace(asked, shows=(str(venv),)), {}).command == (str(venv / "bin/serve"),)


def test_packages_of_node_are_shown_with_the_folder_that_holds_them(tmp_path: Path) -> None:
    program(tmp_path / "app/node_modules/pkg/dist/cli.js")
    linked = tmp_path / "app/node_modules/.bin/cli"
    linked.parent.mkdir()
    linked.symlink_to("../pkg/dist/cli.js")
    with pytest.raises(UnavailableError, match=f"add `{tmp_path}/app` to"):
        showing(asking(tmp_path / "x", str(linked), starts_there=False), {})


def test_what_a_link_points_to_has_to_be_visible_too(tmp_path: Path) -> None:
    real = program(tmp_path / "real/bin/tool")
    (tmp_path / "seen").mkdir()
    (tmp_path / "seen/tool").symlink_to(real)
    asked = asking(tmp_path / "seen", "./tool")
    with pytest.raises(UnavailableError, match=rf"{real} \(behind {tmp_path}/seen/tool\) is not visible"):
        showing(asked, {})
    assert showing(replace(asked, shows=(str(tmp_path / "real"),)), {})


def test_an_interpreter_and_a_script_are_looked_for_as_well(tmp_path: Path) -> None:
    away = program(tmp_path / "away/interpreter")
    program(tmp_path / "here/tool", f"#!{away}\n")
    with pytest.raises(UnavailableError, match=r"its interpreter .*/away/interpreter is not visible"):
        showing(asking(tmp_path / "here", "./tool"), {})
    program(tmp_path / "away/server.py")
    with pytest.raises(UnavailableError, match=r"its script .*/away/server.py is not visible"):
        showing(asking(tmp_path / "here", "sh", "../away/server.py"), {})


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    for command in ("no-such-program-here", "./missing"):
        with pytest.raises(UnavailableError, match="is not found"):
            showing(asking(tmp_path, command), {})


@pytest.mark.requirement("I9")
def test_nothing_of_the_gateways_own_is_shown_by_any_way_round(tmp_path: Path) -> None:
    state = tmp_path / "shop/state"
    state.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "shop")
    base = replace(asking(tmp_path / "x", "sh", starts_there=False), hidden=(str(state),))
    for path in (tmp_path, tmp_path / "shop", state, state / "below", tmp_path / "link"):
        for more in ({"shows": (str(path),)}, {"writable": (str(path),)}):
            with pytest.raises(UnavailableError, match="is the gateway's own"):
                showing(replace(base, **more), {})
    with pytest.raises(UnavailableError, match="is the gateway's own"):
        showing(replace(base, folder=str(tmp_path / "shop"), starts_there=True), {})
    assert showing(replace(base, shows=(str(tmp_path / "x"),)), {})


def test_started_by_root_what_only_its_owner_reads_is_refused_with_what_to_change(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "app").mkdir()
    asked = replace(asking(closed / "app", "sh"), by_others=True)
    with pytest.raises(UnavailableError, match="chmod o\\+rx "):
        showing(asked, {})
    assert os.path.isdir(closed / "app")
