"""`ringfence drill`: public incidents replayed through a gateway of their own, and look-alike runs that must not be stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.app.cli.options import REFUSED, UNAVAILABLE, USAGE, AsJson

if TYPE_CHECKING:
    from ringfence.app.drills.comparison import Comparison
    from ringfence.app.drills.outcome import Report

app = typer.Typer(no_args_is_help=True, help="Drills: known incidents, played against the boundary.")

KEPT = Path("ringfence-drill.json")

Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write one HTML page that needs nothing else.", show_default=False)
]
Compare = Annotated[
    Path | None,
    typer.Option("--compare", metavar="OLD", help="Say what got better and worse since this report.", show_default=False),
]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the records and the look-alike runs."""
    import msgspec

    from ringfence.app.cli.terminal import console, safe, table
    from ringfence.app.drills.records import records, twins

    if as_json:
        return _json({"records": msgspec.to_builtins(records()), "twins": msgspec.to_builtins(twins())})
    out = console()
    shown = table("record", "domain", "kind", "containable", "verification", "must stop")
    for one in records():
        must = str(sum(step.must_stop for step in one.steps))
        shown.add_row(*(safe(cell) for cell in (one.id, one.domain, one.kind, one.containable, one.verification, must)))
    out.print(shown)
    alike = table("look-alike run", "domain", "of")
    for twin in twins():
        alike.add_row(*(safe(cell) for cell in (twin.id, twin.domain, twin.twin_of)))
    out.print()
    out.print(alike)
    return None


@app.command("run")
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Records and look-alike runs. All where absent.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the report is kept.")] = KEPT,
    html: Html = None,
    compare: Compare = None,
    renamed: Annotated[
        int | None,
        typer.Option(
            "--renamed", metavar="SEED", help="Under other names of tools, arguments and servers.", show_default=False
        ),
    ] = None,
    told: Annotated[bool, typer.Option("--told", help="Only in the order in which each record is told.")] = False,
    directory: Annotated[
        Path | None,
        typer.Option("--directory", metavar="DIR", help="Keep state and logs here; an empty folder.", show_default=False),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="CONFIG", help="Drill this configuration instead of the records.", show_default=False
        ),
    ] = None,
    staging: Annotated[
        bool, typer.Option("--staging", help="With --against: this is a staging configuration, and I may drill it.")
    ] = False,
    calls: Annotated[int, typer.Option("--calls", min=1, max=100_000, help="With --against: the most calls.")] = 500,
    seconds: Annotated[int, typer.Option("--seconds", min=1, max=86_400, help="With --against: end after this long.")] = 300,
    stop_file: Annotated[
        Path | None,
        typer.Option("--stop-file", metavar="FILE", help="With --against: end once this file exists.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play records through a gateway process of their own, and keep the report.

    It is compared with `--compare`, else with the report that lies where this one is kept. With `--against` a hijacked agent of
    each kind plays against your own rules; every server is played, so nothing real is called.
    """
    import os

    from ringfence.app.cli.desk import fail, fail_with
    from ringfence.app.drills.against import Stops, play_against
    from ringfence.app.drills.running import play
    from ringfence.errors import ConfigError, UnavailableError

    if not os.access(out.absolute().parent, os.W_OK):
        fail(f"{out}: the report cannot be kept there", "name another file with `--out`", USAGE, as_json=as_json)
    tell = _teller(as_json=as_json)
    if against is not None and not staging:
        fail(
            f"{against} is to be drilled", "say `--staging` if it is a staging configuration and yours", USAGE, as_json=as_json
        )
    try:
        if against is not None:
            report = play_against(against, Stops(calls, seconds, stop_file), directory=directory, told=tell)
        else:
            report = play(names or (), renamed=renamed, only_told=told, directory=directory, told=tell)
    except ConfigError as error:
        fail_with(error, USAGE, as_json=as_json)
    except UnavailableError as error:
        fail_with(error, UNAVAILABLE, as_json=as_json)
    except OSError as error:
        fail(str(error), "", UNAVAILABLE, as_json=as_json)
    _finish(report, out=out, html=html, compare=compare, as_json=as_json)


@app.command("report")
def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report that `drill run` kept.")] = KEPT,
    compare: Compare = None,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Show a report that was kept, or what changed since another one."""
    found = _read(file, as_json=as_json)
    _show(found, _compared(compare, found, as_json=as_json), html=html, as_json=as_json)


def _json(value: Any) -> None:
    import json
    import sys

    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def _teller(*, as_json: bool) -> Any:
    import sys

    def tell(line: str) -> None:
        if not as_json:
            print(line, file=sys.stderr, flush=True)

    return tell


def _finish(report: Report, *, out: Path, html: Path | None, compare: Path | None, as_json: bool) -> None:
    from ringfence.app.cli.desk import fail
    from ringfence.app.drills.texts import encoded

    comparison = _compared(compare or (out if out.is_file() else None), report, as_json=as_json)
    try:
        out.write_bytes(encoded(report))
    except OSError as error:
        fail(f"{out}: {error.strerror}", "", REFUSED, as_json=as_json)
    _show(report, comparison, html=html, as_json=as_json)


def _show(report: Report, comparison: Comparison | None, *, html: Path | None, as_json: bool) -> None:
    from ringfence.app.cli.desk import fail
    from ringfence.app.drills.page import page
    from ringfence.app.drills.summary import passed
    from ringfence.app.drills.texts import as_value, lines

    if html is not None:
        try:
            html.write_text(page(report, comparison), "utf-8")
        except OSError as error:
            fail(f"{html}: {error.strerror}", "", REFUSED, as_json=as_json)
    if as_json:
        _json(as_value(report, comparison))
    else:
        for line in lines(report, comparison):
            print(line)
    raise typer.Exit(0 if passed(report) else REFUSED)


def _compared(file: Path | None, report: Report, *, as_json: bool) -> Comparison | None:
    from ringfence.app.drills.comparison import compare

    return None if file is None else compare(_read(file, as_json=as_json), report)


def _read(file: Path, *, as_json: bool) -> Report:
    from ringfence.app.cli.desk import fail, fail_with
    from ringfence.app.drills.texts import decoded
    from ringfence.errors import RequestError

    try:
        return decoded(file.read_bytes())
    except OSError as error:
        fail(f"{file}: {error.strerror}", "`ringfence drill run` keeps one", REFUSED, as_json=as_json)
    except RequestError as error:
        fail_with(error, REFUSED, as_json=as_json)
