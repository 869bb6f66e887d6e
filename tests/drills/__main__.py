"""`python -m tests.drills [--attacked N] [--seed N]`: all drills, the benign workload, and attacks on it."""

from __future__ import annotations

import argparse
import json
import sys

from tests.drills.campaign import play_records, play_workload
from tests.drills.tables import attack_lines, differences, result, workload_lines
from tests.drills.workload_data import load

from ringfence.app.drills.ending import run_to_its_end
from ringfence.app.drills.summary import passed
from ringfence.app.drills.texts import lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.drills", description=__doc__)
    parser.add_argument("--attacked", type=int, default=3, help="tasks of each domain that are attacked")
    parser.add_argument("--seed", type=int, default=1, help="of the other names")
    options = parser.parse_args()

    def told(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    plain = run_to_its_end(play_records(None, told))
    renamed = run_to_its_end(play_records(options.seed, told))
    found = run_to_its_end(play_workload(load(), options.attacked, told))
    for line in (*lines(plain), "", "under other names:", *differences(plain, renamed), ""):
        print(line)
    for line in (*workload_lines(found), "", *attack_lines(found.struck), ""):
        print(line)
    figures = result(plain, renamed, found)
    print(f"RESULT {json.dumps(figures)}")
    held = passed(plain) and passed(renamed) and figures["same_when_renamed"]
    done = figures["tasks_completed"] == figures["tasks"] and figures["controls_executed"] == figures["controls"]
    return 0 if held and done else 1


sys.exit(main())
