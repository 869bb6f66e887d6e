"""The measurement as the middle of a section of docs/benchmark.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench.model.figures import told
from bench.report import spliced

BEGIN: Final = "<!-- models: begin -->"
END: Final = "<!-- models: end -->"
_ROWS: Final = (
    ("first byte, requests of 4 kB: direct, ms", "first_byte_direct_ms_c1"),
    ("first byte, requests of 4 kB: added at the median, ms", "first_byte_added_ms_c1"),
    ("first byte, requests of 4 kB: added at the 99th percentile, ms", "first_byte_added_p99_ms_c1"),
    ("first byte, requests of 256 kB: added at the median, ms", "first_byte_added_ms_c1_256kb"),
    ("one small durable write on this disk (fdatasync), ms, which is part of each", "fsync_ms_p50"),
    ("CPU of the gateway for a request of 4 kB with a short answer, ms", "cpu_ms_per_request_c1"),
    ("64 streams at once, direct: events/s", "events_per_s_direct_c64"),
    ("64 streams at once, through the gateway: events/s", "events_per_s_through_c64"),
    ("ratio of the two", "events_ratio_c64"),
    ("CPU of the gateway for an event among them, requests included, µs", "cpu_us_per_event_c64"),
    ("CPU of the gateway for an event that comes alone, µs", "cpu_us_per_event_paced"),
    ("stream of 200 MB: MB/s", "stream_mb_per_s"),
    ("stream of 200 MB: memory before, MiB", "rss_before_mib"),
    ("stream of 200 MB: memory at its highest, MiB", "rss_peak_mib"),
    ("kill of 500 open answers: acknowledged after, ms", "kill_acknowledged_ms"),
    ("kill of 500 open answers: its last byte after the acknowledgement, ms (below 0: before)", "kill_last_content_after_ms"),
    ("kill of 500 open answers: bytes of answers after the acknowledgement", "kill_content_bytes_after"),
)  # fmt: skip


def for_docs(result: Mapping[str, Any]) -> str:
    """Markdown between the markers."""
    rows = [f"| {what} | {result[key]:,} |" for what, key in _ROWS if key in result]
    measured = (
        f"Measured on {result['date']}: {result['machine']}, {result['cores']} cores, load {result['load_before']} before"
    )
    return "\n".join(
        [f"{measured} it began.", "", "| what | |", "|---|---|", *rows, "", *(f"- {line}" for line in told(result))]
    )


def write_docs(result: Mapping[str, Any], page: Path) -> None:
    """Replace what lies between the markers. Raises: ValueError where the page has none."""
    page.write_text(spliced(page.read_text("utf-8"), for_docs(result), BEGIN, END), "utf-8")
