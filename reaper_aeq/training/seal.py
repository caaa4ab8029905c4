"""`python -m reaper_aeq.training.seal models models/folds`: descriptions of models that a person edited get their hash.

Weights are left as they are, and must be those that the description names; a training seals what it writes by itself.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import AeqError, ModelError
from ..model.description import OWN, WEIGHTS, write_description


def seal(folder: Path) -> list[str]:
    """Writes the description of each model in `folder` anew; gives their names. Raises `ModelError`, also where there
    is none."""
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}: check the path")
    names = sorted(path.stem for path in folder.glob("*.safetensors"))
    if not names:
        raise ModelError(f"{folder} holds no models (.safetensors): name the folder that does")
    for name in names:
        try:
            info = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(f"{name}.json is missing from {folder}: it describes {name}.safetensors") from None
        except ValueError as error:
            raise ModelError(f"{folder / name}.json cannot be read: {error}") from None
        weights = (folder / f"{name}.safetensors").read_bytes()
        if not isinstance(info, dict) or info.get(WEIGHTS) != hashlib.sha256(weights).hexdigest():
            raise ModelError(f"the weights of {name!r} in {folder} are not those that its description names")
        about = {key: value for key, value in info.items() if key not in ("format", WEIGHTS, OWN)}
        write_description(folder, name, about, weights)
    return names


def main(folders: Sequence[str]) -> int:
    """The exit code: 2 with one sentence for what cannot be sealed."""
    try:
        if not folders:
            raise ModelError("name the folders of models to be sealed, such as: models models/folds")
        for given in folders:
            print(given, *seal(Path(given)))
    except AeqError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
