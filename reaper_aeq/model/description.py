"""What a model says of itself: `<name>.json` beside `<name>.safetensors`, and the two hashes that hold them together.

Standard library only, so that what a description tells (the words, for one) needs no torch. One hash is of the weights,
the other of the description with the first: a file of which a byte is not what its training wrote is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from itertools import accumulate
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..util.files import write_text_atomic
from ..util.paths import shipped

FORMAT = 2  # raised when files of one version cannot be used by the code of another
WEIGHTS, OWN = "sha256", "description_sha256"
# The longest description of ours has 21 kB and is 4 deep; weights have 2 MB. What is far beyond is no model of ours.
MAX_DESCRIPTION_BYTES, MAX_DEPTH, MAX_WEIGHTS_BYTES = 2_000_000, 16, 500_000_000
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def write_description(folder: Path | str, name: str, info: dict[str, Any], weights: bytes) -> None:
    """Writes `<name>.json` for weights that are there: `info` with the format and both hashes. Raises `OutputError`."""
    head = {"format": FORMAT, WEIGHTS: hashlib.sha256(weights).hexdigest()}
    text = json.dumps(head | {OWN: _hash(head | info)} | info, indent=1, ensure_ascii=False)
    write_text_atomic(Path(folder) / f"{name}.json", text + "\n")


def read_model(name: str, folder: Path | str | None = None) -> tuple[dict[str, Any], bytes]:
    """What model `name` in `folder` (the shipped ones by default) says of itself, and its weights, both unharmed.

    Raises `ModelError`, one sentence.
    """
    if not isinstance(folder, str | Path | None):
        raise ModelError(f"the folder of models must be a path, not {folder!r}")
    folder = shipped("models") if folder is None else Path(folder)
    try:
        info = _parsed(_read(folder / f"{name}.json", MAX_DESCRIPTION_BYTES))
        weights = _read(folder / f"{name}.safetensors", MAX_WEIGHTS_BYTES)
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise ModelError(f"there is no folder {folder} with models: check the path") from None
        raise ModelError(f"the model file {Path(error.filename).name} is missing from {folder}: reinstall") from None
    except NotADirectoryError:
        raise ModelError(f"{folder} is not a folder: name the one that holds the models") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"the model {name!r} in {folder} cannot be read ({error}): reinstall") from None
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        raise ModelError(f"the model {name!r} in {folder} is of another version of reaper-aeq: reinstall")
    own = info.pop(OWN, None)
    if info.get(WEIGHTS) != hashlib.sha256(weights).hexdigest():
        raise ModelError(f"the model {name!r} in {folder} is damaged (its hash does not match): reinstall")
    if own != _hash(info):
        raise ModelError(f"the description of the model {name!r} in {folder} was changed or damaged: reinstall")
    del info["format"], info[WEIGHTS]
    return info, weights


def _hash(info: dict[str, Any]) -> str:
    """Of what it says, however it is laid out: order, indents and line ends count for nothing."""
    return hashlib.sha256(json.dumps(info, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _read(path: Path, most: int) -> bytes:
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size > most or len(data := file.read(most + 1)) > most:
            raise ValueError(f"{path.name} is larger than {most:,} bytes")
    return data


def _parsed(data: bytes) -> Any:
    text = data.decode("utf-8")
    depths = accumulate(1 if mark in "[{" else -1 for mark in re.findall(r"[][{}]", _TEXT.sub("", text)))
    if max(depths, default=0) > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    return json.loads(text)
