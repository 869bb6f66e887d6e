"""The measurement as a table: for the terminal, and as the middle of docs/benchmark.md."""

from collections.abc import Sequence
from pathlib import Path

from bench.figures import GOALS, LEVELS
from bench.measurement import Measurement

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_HEAD = ("", "era", *(f"calls/s c{level}" for level in LEVELS), *(f"ratio c{level}" for level in LEVELS), "CPU ms c1/c8/c64",
         "added p50 ms c1", "added p99 ms c1")  # fmt: skip


def lines(found: Measurement) -> list[list[str]]:
    """Head and rows, as text."""
    table = [list(_HEAD)]
    for row in found.rows:
        levels = [row.by_level[level] for level in LEVELS]
        cpu = " / ".join(f"{one.cpu_ms:.2f}" for one in levels)
        table.append(
            [
                row.name,
                row.era,
                *(f"{one.per_s:,.0f}" for one in levels),
                *(f"{one.ratio:.2f}" for one in levels),
                cpu,
                f"{levels[0].added_p50_ms:.2f}",
                f"{levels[0].added_p99_ms:.2f}",
            ]
        )
    return table


def for_terminal(found: Measurement) -> str:
    table = lines(found)
    widths = [max(len(line[column]) for line in table) for column in range(len(_HEAD))]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    rows += [f"{absent.name}: not measured: {absent.why}" for absent in found.absent]
    scan = [f"{key} {value}" for key, value in found.result.items() if key.startswith("scan_")]
    rows += ["scan: " + ", ".join(scan)] if scan else []
    return "\n".join([*rows, "", *goals(found)])


def goals(found: Measurement) -> list[str]:
    """Each goal, and whether it was reached here."""
    return [
        f"{'reached' if goal.reached(found.result) else 'NOT reached'}: {goal.key} = {found.result.get(goal.key)} "
        f"({'at least' if goal.at_least else 'at most'} {goal.bound:g}{', binding' if goal.binding else ''}: {goal.what})"
        for goal in GOALS
    ]


def for_docs(found: Measurement) -> str:
    """Markdown between the markers."""
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    checks = ", ".join(f"`{name}`" for name in found.result["checks_on"])
    parts = [
        f"Measured on {found.date}: {found.machine}. {found.rounds} rounds, windows of {found.seconds:g} s, requests of "
        f"{found.request_bytes} bytes. {versions}.",
        "",
        f"Checks that were on for every call through Ringfence: {checks}.",
        "",
        *_markdown(lines(found)),
        "",
        *(f"- {row.name}: {row.what}." for row in found.rows),
        *(f"- {absent.name}: not measured. {absent.why}" for absent in found.absent),
        "",
        *_scan(found),
        f"The gateway's memory at the end: {found.result['rss_mib']} MiB.",
        "",
        *(f"- {line}" for line in goals(found)),
        *_shares(found),
    ]
    return "\n".join(parts)


def _scan(found: Measurement) -> list[str]:
    """What inspecting an answer costs, whatever its size: the calls above are answered with a few bytes."""
    if "scan_ms_10kb" not in found.result:
        return []
    ordinary, large, hostile = (found.result[f"scan_ms_{name}"] for name in ("10kb", "1mb", "1mb_hostile"))
    rows = [["ordinary, 10 kB", f"{ordinary:.3f}"], ["ordinary, 1 MB", f"{large:.1f}"], ["hostile, 1 MB", f"{hostile:.0f}"]]
    head = "Scanning an answer ([how, and over its size](scanning.md#cost)), the dearest of each kind, CPU:"
    return [head, "", *_markdown([["answer", "ms"], *rows]), ""]


def _shares(found: Measurement) -> list[str]:
    if not found.shares:
        return []
    rows = [[f"{share:.0%}", part] for part, share in found.shares]
    return [
        "",
        "Where the Python time of a public read goes ([flame graph](benchmark-flame.svg)):",
        "",
        *_markdown([["share", "part"], *rows]),
    ]


def _markdown(table: Sequence[Sequence[str]]) -> list[str]:
    head, *rows = ["| " + " | ".join(line) + " |" for line in table]
    return [head, "|" + "---|" * len(table[0]), *rows]


def write_docs(found: Measurement, page: Path) -> None:
    """Replace what lies between the markers. Raises: ValueError where the page has none."""
    page.write_text(spliced(page.read_text("utf-8"), for_docs(found)), "utf-8")


def spliced(page: str, middle: str, begin: str = BEGIN, end: str = END) -> str:
    """A page with another middle. Raises: ValueError where it has no markers, or not in order."""
    first, last = page.index(begin) + len(begin), page.index(end)
    if last < first:
        raise ValueError("the markers stand in the wrong order")
    return f"{page[:first]}\n{middle}\n{page[last:]}"
