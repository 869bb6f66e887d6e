"""What an independent implementation says of a log: run with tests/verifier/.venv, a question as JSON on stdin, its verdict on
stdout. Everything that decides is aics-tlog's; this file only hands over.

    {"tiles": FOLDER, "key": VKEY, "witnesses": [VKEY], "quorum": N, "proofs": [{"leaf", "index", "size", "path", "root"}],
     "consistency": [{"old", "new", "old_root", "new_root", "path"}]}        byte strings in base64
"""

import base64
import importlib
import json
import sys
from pathlib import Path
from typing import Any

tlog: Any = importlib.import_module("aics_tlog")


def raw(texts: list[str]) -> list[bytes]:
    return [base64.b64decode(text, validate=True) for text in texts]


def judge(asked: dict[str, Any]) -> dict[str, Any]:
    folder = Path(asked["tiles"])
    note = tlog.parse_note((folder / "checkpoint").read_bytes())
    witnesses = [tlog.parse_vkey(key) for key in asked["witnesses"]]
    checked = tlog.verify_checkpoint(note, tlog.parse_vkey(asked["key"]), witnesses, asked["quorum"])
    verdict: dict[str, Any] = {
        "checkpoint": checked.ok,
        "why": checked.error,
        "origin": checked.origin,
        "size": checked.size,
        "witnesses": sorted(checked.witnesses),
        "tiles": "",
        "own_proofs": 0,
    }
    reader = tlog.FileSystemTileReader(folder)
    if checked.size is not None:
        try:
            report = tlog.audit_tiles(reader, checked.size, checked.root)
            verdict["tiles"] = f"{report.tiles} tiles, {report.bundles} bundles"
            for index in range(0, checked.size, max(1, checked.size // 50)):
                path = tlog.inclusion_proof_from_tiles(reader, index, checked.size)
                entry = tlog.read_entry(reader, index, checked.size)
                verdict["own_proofs"] += tlog.verify_leaf_inclusion(entry, index, checked.size, path, checked.root)
        except (tlog.TileVerificationError, tlog.TileMissingError, ValueError) as error:
            verdict["tiles"] = f"refused: {type(error).__name__}"
    verdict["proofs"] = [
        tlog.verify_leaf_inclusion(*raw([p["leaf"]]), p["index"], p["size"], raw(p["path"]), *raw([p["root"]]))
        for p in asked.get("proofs", [])
    ]
    verdict["consistency"] = [
        tlog.verify_consistency(c["old"], c["new"], *raw([c["old_root"], c["new_root"]]), raw(c["path"]))
        for c in asked.get("consistency", [])
    ]
    return verdict


if __name__ == "__main__":
    sys.stdout.write(json.dumps(judge(json.load(sys.stdin))))
