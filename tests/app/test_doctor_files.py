"""`doctor` on modes and owners, with real files of real modes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from tests.app.doctor_kit import NOW, QUIET, Place

from ringfence.app.doctor.doctor import judge
from ringfence.app.doctor.facts import Facts, FileFact, Part, Unseen
from ringfence.app.doctor.findings import Code, Severity
from ringfence.app.doctor.gather_files import state_files


def state_of(folder: Path) -> Path:
    """A state directory as a gateway makes it."""
    state = folder / "state"
    state.mkdir(mode=0o711)
    for name in ("state.db", "log.key", "clock", "lock"):
        (state / name).touch(mode=0o600)
    (state / "heads").mkdir(mode=0o700)
    (state / "heads" / "one").touch(mode=0o600)
    for name, mode in (("control.sock", 0o600), ("agents.sock", 0o666)):
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(state / name))
        (state / name).chmod(mode)
    (state / "KILL").touch(mode=0o644)
    return state


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.made(tmp_path)


def test_a_state_directory_as_the_gateway_makes_it_is_fine(place: Place) -> None:
    assert place.look(state=state_of(place.root)).codes == set()


@pytest.mark.parametrize(
    ("name", "mode", "code"),
    [
        ("", 0o777, Code.WRITABLE_BY_OTHERS),
        ("", 0o731, Code.WRITABLE_BY_OTHERS),
        ("log.key", 0o640, Code.READABLE_BY_OTHERS),
        ("log.key", 0o620, Code.WRITABLE_BY_OTHERS),
        ("state.db", 0o604, Code.READABLE_BY_OTHERS),
        ("heads/one", 0o644, Code.READABLE_BY_OTHERS),
        ("control.sock", 0o660, Code.WRITABLE_BY_OTHERS),
        ("control.sock", 0o604, Code.READABLE_BY_OTHERS),
    ],
)
def test_what_is_wide_in_a_state_directory_is_serious(place: Place, name: str, mode: int, code: Code) -> None:
    state = state_of(place.root)
    path = state / name if name else state
    path.chmod(mode)
    looked = place.look(state=state)
    finding = looked.of(code)
    assert looked.codes == {code}
    assert (finding.severity, finding.where) == (Severity.SERIOUS, (str(path),))
    assert f"mode {mode:03o}" in finding.what
    assert finding.remedy.startswith(f"chmod {'600' if name else '711'} {path}")


def test_a_state_directory_that_others_can_list_is_a_warning(place: Place) -> None:
    state = state_of(place.root)
    state.chmod(0o755)
    assert place.look(state=state).of(Code.READABLE_BY_OTHERS).severity is Severity.WARNING


@pytest.mark.parametrize("mode", [0o646, 0o666, 0o602])
def test_a_configuration_that_everybody_can_change_is_serious(place: Place, mode: int) -> None:
    place.config.chmod(mode)
    looked = place.look()
    assert looked.of(Code.WRITABLE_BY_OTHERS).where == (str(place.config),)
    assert f"chmod {mode & 0o755:03o}" in looked.of(Code.WRITABLE_BY_OTHERS).remedy


def test_what_the_configuration_names_is_looked_at_too(place: Place) -> None:
    token = place.write("token", "s", 0o640)
    program = place.write("printer", "#!/bin/sh\n", 0o777)
    policy = place.write("policies/a.cedar", "", 0o646)
    (place.work / "policies").chmod(0o757)
    web = {"url": "https://b.example/mcp", "headers": {"X-A": {"from": "file:token"}, "X-B": {"from": "exec:./printer now"}}}
    place.configure({**QUIET, "servers": {**QUIET["servers"], "web": web}})
    looked = place.look()
    assert looked.where(Code.READABLE_BY_OTHERS) == {str(token)}
    assert looked.where(Code.WRITABLE_BY_OTHERS) == {str(path) for path in (program, policy, policy.parent)}


def test_a_folder_that_anybody_can_write_to_counts_unless_it_is_sticky(place: Place) -> None:
    place.work.chmod(0o777)
    assert place.look().where(Code.WRITABLE_BY_OTHERS) == {str(place.work)}
    place.work.chmod(0o1777)
    assert place.look().codes == set()


def test_an_operators_credential_that_others_can_read_is_serious(place: Place) -> None:
    folder = place.home / ".config" / "ringfence" / "operators"
    folder.mkdir(parents=True)
    (folder / "ada").touch()
    (folder / "ada").chmod(0o644)
    assert place.look().where(Code.READABLE_BY_OTHERS) == {str(folder / "ada")}


def test_what_is_not_there_is_told_of(place: Place) -> None:
    web = {"url": "https://b.example/mcp", "headers": {"X-A": {"from": "file:gone"}}}
    place.configure({**QUIET, "servers": {**QUIET["servers"], "web": web}})
    looked = place.look()
    assert looked.where(Code.NOT_LOOKED_AT) == {str(place.work / "gone")}
    assert not looked.diagnosis.is_serious


def test_a_pipe_in_the_place_of_a_file_does_not_hang_it(place: Place) -> None:
    os.mkfifo(place.work / ".mcp.json", 0o600)
    assert place.look().where(Code.NOT_LOOKED_AT) == {str(place.work / ".mcp.json")}


# --- judged alone ----------------------------------------------------------------------------------------------------


def file(part: Part, mode: int = 0o600, owner: int = 500, *, is_own_group: bool = False) -> Facts:
    fact = FileFact(path=Path("/x"), part=part, owner=owner, mode=mode, is_own_group=is_own_group)
    return Facts(now=NOW, gateway_uid=500, files=(fact,))


@pytest.mark.parametrize(
    ("part", "owner", "severity"),
    [
        (Part.RULES, 501, Severity.WARNING),
        (Part.RULES, 0, None),
        (Part.KEY, 501, Severity.SERIOUS),
        (Part.SOCKET, 501, Severity.SERIOUS),
        (Part.STATE, 500, None),
        (Part.OPERATOR, 501, None),
    ],
)
def test_another_owner_is_found_where_it_matters(part: Part, owner: int, severity: Severity | None) -> None:
    found = [finding for finding in judge(file(part, owner=owner)) if finding.code is Code.OTHER_OWNER]
    assert [finding.severity for finding in found] == ([] if severity is None else [severity])


def test_a_file_of_an_agents_user_is_serious_whatever_it_is(place: Place) -> None:
    place.configure({**QUIET, "agents": {"clerk": {"purpose": "x", "tools": [], "users": ["501"]}}})
    loaded = place.look().facts.loaded
    given = file(Part.RULES, owner=501)
    facts = Facts(now=NOW, gateway_uid=500, loaded=loaded, files=given.files)
    [finding] = judge(facts)
    assert (finding.code, finding.severity) == (Code.OTHER_OWNER, Severity.SERIOUS)
    assert "may be an agent" in finding.what


def test_a_group_of_ones_own_is_nobody_else_unless_what_it_may_change_is_private() -> None:
    assert judge(file(Part.RULES, 0o664, is_own_group=True)) == ()
    assert [finding.code for finding in judge(file(Part.RULES, 0o664))] == [Code.WRITABLE_BY_OTHERS]
    assert [finding.code for finding in judge(file(Part.KEY, 0o660, is_own_group=True))] == [Code.WRITABLE_BY_OTHERS]


def test_a_folder_that_cannot_be_listed_is_told_of(tmp_path: Path) -> None:
    unseen: list[Unseen] = []
    assert list(state_files(tmp_path / "gone", unseen)) == []
    assert len(unseen) == 2
