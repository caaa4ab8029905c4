"""Weights are whole, of this version and no program, or they are refused with one sentence."""

from __future__ import annotations

import hashlib
import json
import pickle

import pytest
import torch

from reaper_aeq.errors import ModelError
from reaper_aeq.model.checkpoint import FORMAT, Checkpoint

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "half": torch.ones(4).half(), "precise": torch.eye(2).double()}


@pytest.fixture
def folder(tmp_path):
    Checkpoint(TENSORS, {"architecture": {"n": 3}, "metrics": {"größe": 0.5}}).save(tmp_path, "toy")
    return tmp_path


def edit(folder, **changes) -> None:
    path = folder / "toy.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def refused(folder, sentence: str) -> None:
    with pytest.raises(ModelError) as caught:
        Checkpoint.load("toy", folder)
    message = str(caught.value)
    assert sentence in message and message.endswith("reinstall") and "\n" not in message


def test_what_is_saved_comes_back(folder):
    loaded = Checkpoint.load("toy", folder)
    assert loaded.info == {"architecture": {"n": 3}, "metrics": {"größe": 0.5}}
    assert loaded.tensors.keys() == TENSORS.keys()
    for key, value in TENSORS.items():
        assert loaded.tensors[key].dtype == value.dtype and torch.equal(loaded.tensors[key], value)


def test_a_folder_is_made_and_nothing_else_is_left_in_it(tmp_path):
    odd = torch.arange(12.0).view(3, 4).T.requires_grad_(True)  # neither contiguous nor free of a gradient
    Checkpoint({"odd": odd}, {}).save(tmp_path / "new" / "folder", "toy")
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == ["toy.json", "toy.safetensors"]
    assert torch.equal(Checkpoint.load("toy", tmp_path / "new" / "folder").tensors["odd"], odd.detach())


def test_the_same_weights_make_the_same_file(folder, tmp_path):
    Checkpoint(TENSORS, {"architecture": {"n": 3}, "metrics": {"größe": 0.5}}).save(tmp_path / "again", "toy")
    for name in ("toy.json", "toy.safetensors"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@pytest.mark.parametrize("name", ["toy.json", "toy.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    refused(folder, f"the model file {name} is missing from {folder}")


@pytest.mark.parametrize("damage", ["cut", "one bit", "empty"])
def test_damaged_weights_are_refused(folder, damage):
    path = folder / "toy.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= damage == "one bit"
    path.write_bytes({"cut": data[:-8], "one bit": data, "empty": b""}[damage])
    refused(folder, "is damaged (its hash does not match)")


def test_weights_of_another_training_are_refused(folder):
    Checkpoint({"a": torch.zeros(3)}, {}).save(folder, "other")
    (folder / "toy.safetensors").write_bytes((folder / "other.safetensors").read_bytes())
    refused(folder, "its hash does not match")


@pytest.mark.parametrize("version", [FORMAT + 1, 0, None, "1"])
def test_another_version_is_refused(folder, version):
    edit(folder, format=version)
    refused(folder, "is of another version of reaper-aeq")


@pytest.mark.parametrize("text", ["", "{", "[]", '"weights"', "null", "3", "\xff\xfe"])
def test_a_damaged_description_is_refused(folder, text):
    (folder / "toy.json").write_bytes(text.encode("latin-1"))
    refused(folder, "the model 'toy' in")


class Trap:
    def __reduce__(self):
        return exec, ("import builtins; builtins.sprung = True",)


@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_a_pickle_is_never_opened(folder, tmp_path, kind):
    import builtins

    path = folder / "toy.safetensors"
    path.write_bytes(pickle.dumps({"a": Trap()}))
    if kind == "torch":
        torch.save({"a": Trap()}, path)
    refused(folder, "its hash does not match")
    edit(folder, sha256=hashlib.sha256(path.read_bytes()).hexdigest())  # whoever made it also wrote its hash
    refused(folder, "toy")
    assert not hasattr(builtins, "sprung")
