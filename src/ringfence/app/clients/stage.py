"""One machine for trials of the real client: a copy of the installed settings, with a model and a gate of our own behind them.

The copy differs from what is installed in the two addresses alone, and in an allow rule for `Bash`: what the client would
run without the gate is the worst case, and the one that shows whether the gate holds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from ringfence.app.clients import files
from ringfence.app.clients.claude_files import read_object
from ringfence.app.clients.claude_settings import DROP_INS, MCP_FILE, SETTINGS_FILE
from ringfence.app.clients.namespaces import inside
from ringfence.app.clients.plan import HOOK_FILE, RUN_VARIABLE
from ringfence.app.clients.tiny_model import TinyModel, Use
from ringfence.app.clients.tiny_web import Answer, Asked, served
from ringfence.errors import UnavailableError

CREDENTIAL: Final = "rf-trial-credential"
PATIENCE_S: Final = 60
_HOOK: Final = "/hook"

Event = Mapping[str, Any]
Gate = Callable[[Event], Answer]
"""What the gate answers to one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One start of the client."""

    turns: Sequence[Use] = ()
    gate: Gate | None
    """None: nobody listens."""
    prompt: str = "Go on."
    flags: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the project; `~/...` of the user. `{trap}` is the address of a place where nothing should
    arrive, `{project}` the project's folder. They can be run."""
    managed: Callable[[dict[str, Any]], None] | None = None
    """Changes the copy of the managed settings."""


@dataclass(slots=True)
class Played:
    """What came of it."""

    code: int = 0
    said: str = ""
    files: set[str] = field(default_factory=set[str])
    """Names in the project at the end."""
    model: TinyModel = field(default_factory=lambda: TinyModel(()))
    events: list[Event] = field(default_factory=list[Event])
    credentials: set[str] = field(default_factory=set[str])
    """What hooks carried."""
    trapped: list[str] = field(default_factory=list[str])
    """What arrived where nothing should."""

    def did(self, mark: str) -> bool:
        """Whether a command had its effect."""
        return mark in self.files

    def asked(self, event: str) -> int:
        """How often the gate was asked about such an event."""
        return sum(1 for each in self.events if each.get("hook_event_name") == event)


def allowing(event: Event) -> Answer:
    """Lets everything pass."""
    return _decided(event, "allow")


def denying(event: Event) -> Answer:
    """Lets no tool pass, and no change of settings."""
    if event.get("hook_event_name") == "ConfigChange":
        return Answer(body=b'{"decision": "block", "reason": "a trial"}')
    return _decided(event, "deny")


def _decided(event: Event, decision: str) -> Answer:
    if event.get("hook_event_name") != "PreToolUse":
        return Answer()
    said = {"hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": "a trial"}
    return Answer(body=json.dumps({"hookSpecificOutput": said}).encode())


def run(command: str) -> Use:
    """A use of the shell."""
    return Use("Bash", {"command": command, "description": "a trial"})


class Stage:
    """Where clients are started."""

    def __init__(self, program: Path, managed: Path) -> None:
        """Raises: ConfigError, UnavailableError: nothing is installed there that could be tried."""
        self._program = program
        self._managed = managed
        self._origin = _origin_of(read_object(files.read(managed / SETTINGS_FILE), managed / SETTINGS_FILE))

    def play(self, scene: Scene) -> Played:
        """Start the client, and say what came of it.

        Raises:
            UnavailableError: It cannot be started, or does not end.
        """
        with tempfile.TemporaryDirectory(prefix="ringfence-trial-") as name:
            folder = Path(os.path.realpath(name))
            with self._set(scene, folder) as (played, environment):
                _run(self._command(scene, folder), folder / "project", environment, played)
                played.files = {each.name for each in (folder / "project").iterdir()}
            return played

    def _command(self, scene: Scene, folder: Path) -> list[str]:
        command = [str(self._program), "-p", scene.prompt, *scene.flags]
        return inside(folder / "managed", command)

    @contextmanager
    def _set(self, scene: Scene, folder: Path) -> Generator[tuple[Played, dict[str, str]]]:
        played = Played(model=TinyModel(scene.turns))

        def gate(asked: Asked) -> Answer:
            if not asked.target.startswith(_HOOK) or scene.gate is None:
                return Answer(404)
            event = cast(Event, json.loads(asked.body))
            played.events.append(event)
            played.credentials.add(asked.authorization)
            return scene.gate(event)

        def trap(asked: Asked) -> Answer:
            played.trapped.append(f"{asked.method} {asked.target}")
            return Answer()

        with served(gate) as port, served(played.model.answer) as models, served(trap) as trapping:
            for each in ("project", "home", "managed"):
                (folder / each).mkdir()
            # A port that was free a moment ago, and on which nobody listens: the lowest needs rights to be listened on.
            gate_url = f"http://127.0.0.1:{port if scene.gate is not None else 1}"
            self._copy(scene, folder / "managed", gate_url, f"http://127.0.0.1:{models}")
            trap_url = f"http://127.0.0.1:{trapping}"
            for path, text in scene.files.items():
                file = folder / "home" / path[2:] if path.startswith("~/") else folder / "project" / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text.replace("{trap}", trap_url).replace("{project}", str(folder / "project")), "utf-8")
                file.chmod(0o755)
            environment = {
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(folder / "home"),
                "LANG": "C.UTF-8",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1",
                "ANTHROPIC_API_KEY": CREDENTIAL,
                RUN_VARIABLE: CREDENTIAL,
                **{name: value.replace("{trap}", trap_url) for name, value in scene.environment.items()},
            }
            yield played, environment

    def _copy(self, scene: Scene, folder: Path, gate: str, model: str) -> None:
        for source in (
            SETTINGS_FILE,
            MCP_FILE,
            *(f"{DROP_INS}/{each.name}" for each in (self._managed / DROP_INS).glob("*.json")),
        ):
            if not (self._managed / source).exists():
                continue
            value = _moved(json.loads((self._managed / source).read_bytes()), self._origin, gate)
            if isinstance(value.get("env"), dict) and "ANTHROPIC_BASE_URL" in value["env"]:
                value["env"]["ANTHROPIC_BASE_URL"] = model
            if source == SETTINGS_FILE:
                permissions = value.setdefault("permissions", {})
                permissions["allow"] = [*permissions.get("allow", []), "Bash"]
                if scene.managed is not None:
                    scene.managed(value)
            (folder / source).parent.mkdir(exist_ok=True)
            (folder / source).write_text(json.dumps(value), "utf-8")
        if (self._managed / HOOK_FILE).exists():
            shutil.copy(self._managed / HOOK_FILE, folder / HOOK_FILE)


def _origin_of(settings: Mapping[str, Any]) -> str:
    """The gateway's address in managed settings. Raises: UnavailableError."""
    try:
        url = settings["hooks"]["PreToolUse"][-1]["hooks"][0]["url"]
        return str(url).removesuffix(_HOOK)
    except (KeyError, IndexError, TypeError) as error:
        raise UnavailableError(
            "there is no hook of Ringfence in the managed settings", remedy="`ringfence claude-code install` puts it there"
        ) from error


def _moved(value: Any, origin: str, to: str) -> Any:
    """The same with another address of the gateway."""
    if isinstance(value, str):
        return to + value[len(origin) :] if value == origin or value.startswith(f"{origin}/") else value
    if isinstance(value, list):
        return [_moved(each, origin, to) for each in cast(list[Any], value)]
    if isinstance(value, dict):
        return {name: _moved(each, origin, to) for name, each in cast(dict[str, Any], value).items()}
    return value


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str], played: Played) -> None:
    """Run it to its end. Raises: UnavailableError."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise UnavailableError(f"{command[0]} cannot be started: {error}") from error
    try:
        out, _ = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"the client did not end within {PATIENCE_S} s") from error
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    played.code, played.said = process.returncode, out.decode("utf-8", "replace")[-2000:].strip()
