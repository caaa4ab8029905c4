"""Weights are whole, of this version and no program, or they are refused with one sentence."""

from __future__ import annotations

import hashlib
import json
import pickle
import tracemalloc

import pytest
import torch

from reaper_aeq.errors import ModelError
from reaper_aeq.model.checkpoint import Checkpoint
from reaper_aeq.model.description import FORMAT, MAX_DESCRIPTION_BYTES, MAX_WEIGHTS_BYTES, read_model
from reaper_aeq.training.seal import main as seal_all
from reaper_aeq.training.seal import seal
from reaper_aeq.util.paths import shipped

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


def test_a_description_of_which_anything_was_changed_is_refused(folder):
    edit(folder, architecture={"n": 4})
    refused(folder, "the description of the model 'toy' in")
    edit(folder, architecture={"n": 3}, more=1)
    refused(folder, "was changed or damaged")
    path = folder / "toy.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    del told["more"]
    # how it is laid out says nothing
    path.write_text(json.dumps(dict(reversed(told.items()))), encoding="utf-8")
    assert Checkpoint.load("toy", folder).info == {"architecture": {"n": 3}, "metrics": {"größe": 0.5}}


def test_one_without_a_hash_of_its_own_is_refused(folder):
    path = folder / "toy.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    del told["description_sha256"]
    path.write_text(json.dumps(told), encoding="utf-8")
    refused(folder, "was changed or damaged")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested more than"),
        ('{"a":' * 100_000, "nested more than"),
        ('{"a": "' + "x" * MAX_DESCRIPTION_BYTES + '"}', "is larger than"),
        ('{"a": ' + "9" * 100_000 + "}", "cannot be read"),
    ],
    ids=["deep list", "deep object", "long", "long number"],
)
def test_a_description_without_bounds_is_refused_before_it_is_built(folder, text, why):
    (folder / "toy.json").write_text(text)
    refused(folder, why)


def test_weights_without_bounds_are_not_read(folder):
    with open(folder / "toy.safetensors", "wb") as file:
        file.truncate(MAX_WEIGHTS_BYTES + 1)  # takes no room on the disk
    tracemalloc.start()
    refused(folder, "toy.safetensors is larger than")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("group", ["", "folds"])
def test_every_shipped_model_is_sealed(group):
    for path in sorted((shipped("models") / group).glob("*.safetensors")):
        read_model(path.stem, path.parent)


def test_a_description_that_a_person_edited_can_be_sealed_again(folder):
    edit(folder, data="mine")
    assert seal(folder) == ["toy"]
    assert Checkpoint.load("toy", folder).info["data"] == "mine"
    (folder / "toy.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="are not those"):
        seal(folder)


@pytest.mark.parametrize("what", ["unknown", "empty", "no description", "a list", "no JSON", "nothing"])
def test_what_cannot_be_sealed_is_told_in_one_sentence(folder, tmp_path, capsys, what):
    """A folder that was not there was sealed without a word, exit code 0."""
    if what == "empty":
        folder = tmp_path / "void"
        folder.mkdir()
    elif what == "unknown":
        folder = tmp_path / "nowhere"
    elif what == "no description":
        (folder / "toy.json").unlink()
    elif what in ("a list", "no JSON"):
        (folder / "toy.json").write_text("[]" if what == "a list" else "{")
    assert seal_all([] if what == "nothing" else [str(folder)]) in (1, 2)
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1


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
    seal(folder)
    refused(folder, "toy")
    assert not hasattr(builtins, "sprung")
