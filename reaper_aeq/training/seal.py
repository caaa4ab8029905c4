"""`python -m reaper_aeq.training.seal models models/folds`: descriptions of models that a person edited get their hash.

Weights are left as they are, and must be those that the description names; a training seals what it writes by itself.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from ..errors import ModelError
from ..model.checkpoint import write_description
from ..model.description import OWN, WEIGHTS


def seal(folder: Path) -> list[str]:
    """Writes the description of each model in `folder` anew; gives their names. Raises `ModelError`."""
    names = sorted(path.stem for path in folder.glob("*.safetensors"))
    for name in names:
        info = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        weights = (folder / f"{name}.safetensors").read_bytes()
        if info[WEIGHTS] != hashlib.sha256(weights).hexdigest():
            raise ModelError(f"the weights of {name!r} in {folder} are not those that its description names")
        about = {key: value for key, value in info.items() if key not in ("format", WEIGHTS, OWN)}
        write_description(folder, name, about, weights)
    return names


if __name__ == "__main__":
    for given in sys.argv[1:]:
        print(given, *seal(Path(given)))
