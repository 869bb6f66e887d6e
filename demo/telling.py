"""What one sees: short lines, coloured on a terminal and plain elsewhere."""

import sys
import textwrap
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from demo.judge import Finding

STYLES = {
    "allowed": "green",
    "ASKED": "bold yellow",
    "APPROVED": "bold cyan",
    "DENIED": "bold magenta",
    "REFUSED": "bold red",
    "KILLED": "bold red",
}
NARROWEST, WIDEST = 106, 120
CALL_WIDTH = 52


class Telling:
    """The demo's voice."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        width = min(WIDEST, max(NARROWEST, console.width)) if console.is_terminal else WIDEST
        self._console = Console(highlight=False, width=width)

    def title(self, text: str, below: str) -> None:
        self._console.print(f"\n[bold]{escape(text)}[/bold]  [dim]{escape(below)}[/dim]\n")

    def fact(self, name: str, text: str) -> None:
        """One line about the set-up."""
        for place, line in enumerate(textwrap.wrap(text, self._console.width - 12)):
            self._console.print(f" [dim]{'' if place else name:<8}[/dim] {escape(line)}")

    def scene(self, name: str, text: str) -> None:
        self._console.print(f"\n[bold]{escape(name)}[/bold]  {escape(text)}")

    def foreign(self, text: str) -> None:
        """Words that somebody outside wrote."""
        for line in text.splitlines():
            self._console.print(Text(f"          │ {line}", style="italic red"))

    def line(self, who: str, what: str, verdict: str, entry: str, note: str = "") -> None:
        """Who wants or does what, what came of it, and where that is recorded."""
        text = Text(f" {who:<8} {what:<{CALL_WIDTH}} ")
        text.append(f"{verdict:<9}", STYLES.get(verdict, ""))
        text.append(f"{entry:<4} ", "dim")
        text.append(note, "dim")
        text.rstrip()
        self._console.print(text, soft_wrap=True)

    def command(self, text: str) -> None:
        """A command as a person types it."""
        self._console.print(f"\n [bold cyan]$ {escape(text)}[/bold cyan]")

    def output(self, text: str) -> None:
        """What a command printed, as it is."""
        for line in text.splitlines():
            self._console.print(Text(f"   {line}"), soft_wrap=True)

    def findings(self, title: str, findings: Sequence[Finding]) -> None:
        """The judge's table."""
        table = Table(title=title, title_style="bold", title_justify="left", box=None, padding=(0, 1))
        for heading in ("attempt", "what held it", "entry", "its server's own log"):
            table.add_column(heading, header_style="dim", no_wrap=True, min_width=5)
        for finding in findings:
            says = Text(finding.says, style="green" if finding.fine else "bold red")
            table.add_row(Text(finding.what), Text(finding.held), Text(finding.entry, style="dim"), says)
        self._console.print()
        self._console.print(table)

    def verdict(self, fine: bool, text: str) -> None:
        self._console.print(f"\n[bold {'green' if fine else 'red'}]{escape(text)}[/]")

    def next_steps(self, heading: str, lines: Iterable[tuple[str, str]]) -> None:
        self._console.print(f"[dim]{escape(heading)}[/dim]")
        for command, what in lines:
            self._console.print(f"  {escape(command)}  [dim]{escape(what)}[/dim]", soft_wrap=True)

    def fault(self, text: str) -> None:
        """What went wrong, on stderr."""
        print(f"demo: {text}", file=sys.stderr)
