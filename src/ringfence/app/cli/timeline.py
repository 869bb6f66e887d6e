"""`ringfence timeline`: from what a run read to what it did."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.options import REFUSED, UNAVAILABLE, As, AsJson, State

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk


def timeline(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Such as r_..., open or closed.")],
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one page that needs nothing else to this file.", show_default=False)
    ] = None,
    subtree: Annotated[bool, typer.Option("--subtree/--no-subtree", help="With the runs below it.")] = True,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Read a file of `audit export` in place of the gateway's log.", show_default=False),
    ] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """From source to effect: the first untrusted read, what it tainted, which calls it reached, and what stopped them."""
    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, shown_as

    desk = Desk(state, as_name, as_json)
    if export is not None:
        document = _from_export(desk, export, run, subtree=subtree)
    else:
        path = query(f"/runs/{quote(run, safe='')}/lineage", subtree=None if subtree else 0)
        document = desk.ask("GET", path, offline=True)
    if html is not None:
        _write_page(desk, html, document)
    if as_json:
        return desk.print_json(document)
    if html is not None:
        typer.echo(f"wrote the timeline of {run} to {html}")
        return None
    from rich.text import Text

    from ringfence.app.lineage.text import WIDTH, lines

    out = console()
    for line in lines(document, max(WIDTH, min(out.width, 120))):
        out.print(Text(line.drawn, style=line.spine) + Text(shown_as(line.text), style=line.style), soft_wrap=True)
    return None


def _from_export(desk: Desk, export: Path, run: str, *, subtree: bool) -> dict[str, Any]:
    """Read the whole export once; nothing of it is kept but what the timeline shows."""
    from ringfence.app.cli.progress import counted
    from ringfence.core.lineage.document import document
    from ringfence.core.lineage.tracer import Tracer

    if export.is_dir():
        desk.usage(f"{export} is a folder: tiles have digests in the place of bodies", "`ringfence audit export -o log.jsonl`")
    tracer = Tracer(run, subtree=subtree)
    try:
        for entry in counted(_entries(export), 0, "read", quiet=desk.as_json):
            tracer.add(entry)
    except OSError as error:
        desk.fail(f"{error.filename or export} cannot be read: {error.strerror or error}", "", UNAVAILABLE)
    except (ValueError, RecursionError) as error:
        desk.fail(f"{export} is no export: {error}", "an export of `ringfence audit export` is needed", REFUSED)
    if not tracer.found:
        desk.fail(f"{export} knows no run `{run[:60]}`", "", REFUSED, "not_found")
    return {**document(tracer.timeline()), "complete": True}


def _entries(export: Path) -> Iterator[object]:
    """The entries of a file in JSON lines. Raises: OSError, ValueError."""
    import json

    from ringfence.app.cli.audit_files import Split, lines_of

    for leaf in Split(lines_of(export)).leaves():
        yield json.loads(leaf)


def _write_page(desk: Desk, file: Path, document: dict[str, Any]) -> None:
    """Beside its name first, and given it at the end; never over another file."""
    from ringfence.app.lineage.page import timeline_page

    page = timeline_page(document)
    draft = file.with_name(f".{file.name}.part")
    try:
        draft.write_text(page, "utf-8")
        try:
            os.link(draft, file)
        finally:
            draft.unlink()
    except FileExistsError:
        desk.fail(f"{file} is there already", "name another with --html", REFUSED)
    except OSError as error:
        desk.fail(f"{file} cannot be written: {error.strerror}", "name another with --html", UNAVAILABLE)
