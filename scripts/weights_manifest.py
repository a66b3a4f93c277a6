"""Write weights/manifest.json: the size and the sha256 of every file of every model that ships.

    python scripts/weights_manifest.py           # write it; licence, family, room and use are kept, a new model's must be added by hand
    python scripts/weights_manifest.py --check   # say what differs, exit 1

Names of files in folders of a model are `fast/config.json`. What `training/` holds is no part of a model.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
MANIFEST = WEIGHTS / "manifest.json"


def measured(model: Path) -> dict[str, dict[str, int | str]]:
    """Size and sha256 of each file of a model, by its path in the model's folder."""
    files = [path for path in sorted(model.rglob("*")) if path.is_file()]
    names = {path.relative_to(model).as_posix(): path.read_bytes() for path in files}
    return {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in names.items()
        if "training/" not in name
    }


def main() -> int:
    before = json.loads(MANIFEST.read_text())
    now = {}
    for model in sorted(path for path in WEIGHTS.iterdir() if path.is_dir()):
        entry = before.get(model.name, {"licence": "TODO", "family": "TODO", "use": "TODO"})
        now[model.name] = {**entry, "files": measured(model)}
    if "--check" not in sys.argv[1:]:
        MANIFEST.write_text(json.dumps(now, indent=2) + "\n")
        return 0
    differing = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    for name in differing:
        print(f"{MANIFEST}: {name} is not what the manifest says", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
