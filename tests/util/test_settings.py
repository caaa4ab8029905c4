"""Settings from a file: what is not understood is refused, and the shipped files are what the code does anyway."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest

from reaper_aeq.errors import SettingsError
from reaper_aeq.util.settings import AudioTraining, EqTraining, ProxyTraining, WordsTraining, load_settings

KINDS = {"eq": EqTraining, "audio": AudioTraining, "proxy": ProxyTraining, "words": WordsTraining}
MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture
def file(tmp_path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "s.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def refused(path: Path, sentence: str, cls: type = EqTraining) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(cls, path)
    assert sentence in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_not_named_keeps_its_default(file):
    assert load_settings(EqTraining, file("steps = 12\nlearning_rate = 0.5\n")) == EqTraining(
        steps=12, learning_rate=0.5
    )
    assert load_settings(EqTraining, file("")) == load_settings(EqTraining, None) == EqTraining()


def test_a_whole_number_will_do_for_a_fraction(file):
    settings = load_settings(EqTraining, str(file("learning_rate = 1")))
    assert settings.learning_rate == 1.0 and type(settings.learning_rate) is float


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("step = 12", "unknown setting 'step'; known are seed, steps, batch"),
        ("[eq]\nsteps = 12", "unknown setting 'eq'"),
        ("steps = 1.5", "steps must be of type int, not 1.5"),
        ("steps = '12'", "steps must be of type int, not '12'"),
        ("steps = true", "steps must be of type int, not True"),
        ("learning_rate = 'fast'", "learning_rate must be of type float, not 'fast'"),
        ("learning_rate = [0.1]", "learning_rate must be of type float"),
        ("steps = ", "is not a settings file"),
        ("steps = 1\nsteps = 2", "is not a settings file"),
        (b"steps = 1 # \xff\xfe", "is not a settings file"),
    ],
)
def test_what_is_not_understood_is_refused(file, text, sentence):
    refused(file(text), sentence)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    refused(tmp_path / "no.toml", "cannot read the settings")
    refused(tmp_path, "cannot read the settings")


def as_toml(settings) -> str:
    """A line for each setting, with its reason: what `models/*.toml` holds."""
    # JSON writes numbers and plain texts just as TOML does
    return "".join(
        f"{item.name} = {json.dumps(getattr(settings, item.name))}".ljust(30) + f"# {item.metadata['why']}\n"
        for item in dataclasses.fields(settings)
    )


@pytest.mark.parametrize("name", KINDS)
def test_the_shipped_settings_are_the_defaults(name):
    path = MODELS / f"train_{name}.toml"
    assert load_settings(KINDS[name], path) == KINDS[name]()
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert "".join(line for line in lines if not line.startswith("#")) == as_toml(KINDS[name]())
    assert tomllib.loads(path.read_text(encoding="utf-8")) == dataclasses.asdict(KINDS[name]())


@pytest.mark.parametrize("cls", KINDS.values())
def test_what_is_written_down_can_be_read_again(file, cls):
    other = cls(**{f.name: f.default + type(f.default)(1) for f in dataclasses.fields(cls)})
    assert load_settings(cls, file(as_toml(other))) == other


@pytest.mark.parametrize("cls", KINDS.values())
def test_each_setting_has_its_reason(cls):
    for item in dataclasses.fields(cls):
        assert len(item.metadata["why"]) > 3, item.name
