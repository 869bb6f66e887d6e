"""The automata of the scan, kept in the state directory: to compile them is a quarter of a start.

Whoever can write there can replace the log's key as well, so they are believed like it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from ringfence.adapters.system.kept_file import read_kept, write_kept
from ringfence.core.observing.secrets import SECRET_RULES
from ringfence.core.scan.engines import ENGINE_ERRORS, adopt, automaton, automaton_name
from ringfence.core.scan.scanner import RULES

logger = logging.getLogger(__name__)

FOLDER: Final = "automata"
_ALWAYS: Final = (RULES, SECRET_RULES)
"""What every gateway scans with. What only finds personal data is compiled where that is looked for."""


def adopt_automata(state: Path) -> None:
    """Use those that an earlier start kept, before anything is compiled. One that is missing or damaged is compiled again."""
    for rules in _ALWAYS:
        kept = read_kept(state / FOLDER / automaton_name(rules))
        if kept is not None:
            try:
                adopt(rules, kept)
            except ENGINE_ERRORS as error:
                logger.info("a kept automaton cannot be used, it is compiled again: %s", error)


def keep_automata(state: Path) -> None:
    """For the next start; those of other rules go."""
    folder = state / FOLDER
    names = {automaton_name(rules): rules for rules in _ALWAYS}
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for path in folder.iterdir():
            if path.name not in names:
                path.unlink()
        for name, rules in names.items():
            if read_kept(folder / name) != (fresh := automaton(rules)):
                write_kept(folder / name, fresh)
    except OSError as error:
        logger.info("automata are not kept, the next start compiles them again: %s", error)
