"""`make leaks`: planted secrets, given away by servers in every form and by every way, and searched for in everything.

Ends with one line `RESULT {...}`, and 0 where nothing was found, and everything without the scrubber.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.leaks.drive import both
from tests.leaks.leaky_server import FORMS


def main() -> int:
    parser = argparse.ArgumentParser(prog="make leaks")
    parser.add_argument("--each", type=int, default=6, help="secrets of each kind (seven kinds, and eight single ones)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        garden, scrubbed, unscrubbed = asyncio.run(both(Path(directory), each=options.each))
    found, without = scrubbed.found(garden), unscrubbed.found(garden)
    for name, places in sorted(found.items()):
        print(f"FOUND {name}: {', '.join(places)}")
    for one in garden.plants:
        if one.name not in without:
            print(f"NOT SEEN without the scrubber: {one.name}")
    for place, parts in sorted(scrubbed.places.items()):
        count = len(unscrubbed.found(garden, place))
        print(f"{place}: {sum(map(len, parts))} bytes; without the scrubber {count} secrets are in it")
    result = {
        "planted": len(garden.plants),
        "encodings": len(FORMS),
        "places_searched": len(scrubbed.places),
        "found": len(found),
        "found_with_scrubber_off": len(without),
    }
    print(f"RESULT {json.dumps(result)}")
    return 0 if not found and len(without) == len(garden.plants) else 1


if __name__ == "__main__":
    sys.exit(main())
