"""`make escapes`: every way out of a box that we know, as root and as an ordinary user, each tried without a box as well.

Ends with one line `RESULT {...}`, and 0 where nothing escaped, every attempt ran, and at least 80 % have a control that escapes.
"""

from __future__ import annotations

import argparse
import json
import sys

from tests.escapes.campaign import Part, part, ran, users

FEWEST_CONTROLS = 0.8


def told(one: Part, *, verbose: bool) -> None:
    for each in one.outcomes:
        control = "control escapes" if each["control"] else f"no control: {each['no_control']}" if each["no_control"] else "CONTROL CONTAINED"  # fmt: skip
        state = f"ESCAPED: {each['escaped']}" if each["escaped"] else "contained" if ran(each) else "DID NOT RUN"
        print(f"{one.user:5} {each['id']:7} {each['class']:12} {state:10} {control:16} {each['what']}")
        if verbose or each["escaped"]:
            print(f"---- in the box:\n{each['said']}\n---- without:\n{each['control_said']}\n----")
    if one.code != 0 or not one.outcomes:
        print(f"{one.user}: the attempts did not come to their end ({one.code})\n{one.errors}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make escapes")
    parser.add_argument("--as", dest="users", action="append", choices=("root", "user"), help="as whom; all that we may be")
    parser.add_argument("--only", action="append", default=[], help="an id or a class")
    parser.add_argument("--short", action="store_true", help="only what shares one box")
    parser.add_argument("--verbose", action="store_true", help="what every script said")
    options = parser.parse_args()
    arguments = [*(["--short"] if options.short else []), *(part for each in options.only for part in ("--only", each))]
    parts = [part(user, arguments) for user in options.users or users()]
    for one in parts:
        told(one, verbose=options.verbose)
    attempts = sum(len(one.outcomes) for one in parts)
    controls = sum(1 for one in parts for each in one.outcomes if each["control"])
    result = {
        "attempts": attempts,
        "controls_that_escape": controls,
        "escaped": sum(len(one.escapes()) for one in parts),
        "not_run": sum(len(one.not_run()) for one in parts),
        "controls_contained": [f"{one.user}:{each['id']}" for one in parts for each in one.contained_controls()],
        "by_user": {one.user: len(one.outcomes) for one in parts},
        "escapes": [f"{one.user}:{each['id']}" for one in parts for each in one.escapes()],
    }
    print(f"RESULT {json.dumps(result)}")
    whole = all(one.code == 0 and one.outcomes for one in parts)
    enough = bool(options.only) or controls >= FEWEST_CONTROLS * attempts
    return 0 if whole and enough and not result["escaped"] and not result["not_run"] else 1


if __name__ == "__main__":
    sys.exit(main())
