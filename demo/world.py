"""The world of the demo: a directory with a handbook in git, two shops' databases, and a configuration."""

import fcntl
import json
import os
import shutil
import string
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.processes import DemoFault, Processes

HERE = Path(__file__).parent
HOST = "127.0.0.1"
POLICY = (
    ("Say what we refund", "We refund what arrives broken.\n"),
    ("Refund after the goods are back", "We refund what arrives broken, once it is back with us.\n"),
    ("Small vouchers need no approval", "We refund what arrives broken, once it is back with us.\nUp to 5.00: a voucher.\n"),
)


@dataclass(frozen=True)
class World:
    """Where everything lies. Paths stay relative where they were given so: the path of a unix socket has to be short."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def config(self) -> Path:
        return self.root / "ringfence.yaml"

    @property
    def handbook(self) -> Path:
        return self.root / "handbook"

    def database(self, server: str) -> Path:
        return self.root / f"{server}.sqlite"

    def executed(self, server: str) -> Path:
        """The server's own log of what it executed."""
        return self.root / f"{server}.executed.jsonl"


@contextmanager
def fresh(root: Path) -> Generator[World]:
    """An empty directory, held for the length of the block. What an earlier demo left in it is removed.

    Raises:
        DemoFault: It is in use by another demo, or holds something that no demo made.
    """
    root.mkdir(parents=True, exist_ok=True)
    lock = root / ".demo.lock"
    if not lock.exists() and any(root.iterdir()):
        raise DemoFault(f"{root} holds files that no demo made: name another --directory")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFault(f"another demo runs in {root}: end it, or name another --directory") from None
        for old in root.iterdir():
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            elif old != lock:
                old.unlink()
        world = World(root)
        world.logs.mkdir()
        yield world
    finally:
        os.close(descriptor)


def write_handbook(path: Path) -> None:
    """A git repository with three commits. Raises: DemoFault."""
    path.mkdir()
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Mo"), ("EMAIL", "mo@shop.example"))
    }

    def git(*arguments: str) -> None:
        try:
            subprocess.run(
                ["git", "-C", str(path), *arguments], check=True, capture_output=True, env={**os.environ, **nobody, **who}
            )
        except FileNotFoundError:
            raise DemoFault("git is missing: apt-get install git") from None
        except subprocess.CalledProcessError as error:
            raise DemoFault(f"git {arguments[0]}: {error.stderr.decode(errors='replace')}") from None

    git("init", "--quiet", "--initial-branch=main")
    for subject, text in POLICY:
        (path / "refunds.md").write_text(text, "utf-8")
        git("add", "refunds.md")
        git("commit", "--quiet", "--message", subject)


async def start_orders(world: World, started: Processes) -> str:
    """The orders server over HTTP; gives its URL. The other two servers are started by the gateway. Raises: DemoFault."""
    command = [sys.executable, str(HERE / "servers/orders.py"), "--port", "0"]
    files = ["--db", str(world.database("orders")), "--log", str(world.executed("orders"))]
    line = await started.start("orders", [*command, *files], "listening")
    return f"http://{HOST}:{line.split()[1]}/mcp"


def write_config(world: World, orders_url: str) -> None:
    """`ringfence.yaml` from the template beside this file."""
    values = {
        "ORDERS_URL": orders_url,
        "PYTHON": sys.executable,
        "PAYMENTS_PROGRAM": str(HERE / "servers/payments.py"),
        "PAYMENTS_DB": str(world.database("payments").resolve()),
        "PAYMENTS_LOG": str(world.executed("payments").resolve()),
        "HANDBOOK": str(world.handbook.resolve()),
    }
    template = string.Template((HERE / "ringfence.yaml.in").read_text("utf-8"))
    world.config.write_text(template.substitute({name: json.dumps(value) for name, value in values.items()}), "utf-8")
