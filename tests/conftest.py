"""What holds for the whole suite."""

import gc

import pytest
from tests import effort

LONGEST = (
    "integration/test_clients_behind_gateway.py",
    "drills/test_drills.py",
    "acceptance/test_readme.py",
    "integration/test_hostile_load.py",
    "integration/test_clients_direct.py",
    "acceptance/test_demo.py",
    "contract/test_sandbox_contract.py",
    "integration/test_inspector.py",
    "integration/test_kill_under_load.py",
    "integration/test_concurrent_decisions.py",
    "integration/test_work_in_a_box.py",
    "integration/test_claude_code_failures.py",
    "integration/test_real_servers.py",
    "integration/test_client_features.py",
    "integration/test_box_ends.py",
    "integration/test_caps_under_load.py",
    "contract/test_upstream_contract.py",
    "leaks/",
    "integration/",
    "crash/test_crash_points.py",
    "core/test_decision_properties.py",
    "core/test_policy_properties.py",
)
"""Files that take long, and folders of such files. Each worker takes whole files, and the short ones even out the end."""

effort.use()

# Eleven thousand tests are collected, and all that they are made of lives to the end: the collector of garbage would walk it
# again and again, for a third of the time that collecting takes.
gc.disable()


def pytest_collection_finish() -> None:
    """What there is now is left out of the collector's walks for good."""
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    items.sort(key=place)


def place(item: pytest.Item) -> int:
    """Where a test stands: the first that fits, else behind all of them."""
    fitting = (number for number, name in enumerate(LONGEST) if item.nodeid.startswith(f"tests/{name}"))
    return next(fitting, len(LONGEST))
