"""How many examples property tests try: a part in `make test`, other ones each time, and all of them in `make test-long`."""

import os

from hypothesis import settings

ALL = os.environ.get("TEST_EFFORT") == "all"
PART = 3
"""Other examples are drawn in each run, so what few of them miss is found by the next runs."""


def examples(full: int) -> int:
    """How many to try now of a full number."""
    return full if ALL else -(-full // PART)


def use() -> None:
    """For every property that names no number. A deadline would judge how busy the machine is."""
    settings.register_profile("effort", max_examples=examples(100), deadline=None)
    settings.load_profile("effort")
