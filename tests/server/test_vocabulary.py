"""What people made by hand of an answer is learned, into the store of `profile learn`."""

import json

import pytest
from backends import task

from reaper_aeq.model.personal import Profiles, followed
from reaper_aeq.model.profile_store import ProfileStore


@pytest.fixture
def own(engine, tmp_path, monkeypatch):
    """A store of nobody's, beside the shipped models."""
    monkeypatch.setattr(
        engine, "profiles", Profiles(engine.words, engine.eq_model, ProfileStore(tmp_path / "own.sqlite"))
    )
    return engine.profiles.store


def adapt(client, path, **more):
    (result,) = client.post("/v1/jobs?wait=30", json={"tasks": [task(path, **more)]}).json()["results"]
    return result["answer"]


def edited(answer, gain_db=4.0, word="warm"):
    made = [dict(band) for band in answer["bands"]]
    made[0]["gain_db"] += gain_db
    return {
        "word": word, "intensity": answer["intensity"], "heard": answer["heard"],
        "computed": {"bands": answer["bands"]}, "made": {"bands": made},
    }  # fmt: skip


def learn(client, *edits, profile="default"):
    return client.post("/v1/profile/learn", json={"profile": profile, "edits": list(edits)})


def test_an_edit_is_learned_and_the_next_answer_says_so(client, own, sounds):
    first = adapt(client, sounds[0])
    assert "your own" not in first["explanation"]
    told = learn(client, edited(first)).json()
    assert told["store"] == str(own.path) and [(one["word"], one["settings"]) for one in told["learned"]] == [
        ("warm", 1)
    ]
    assert told["learned"][0]["share"] == pytest.approx(followed(1), abs=0.1)
    later = adapt(client, sounds[0])
    assert " This is with your own 'warm' (1 setting)." in later["explanation"] and later["bands"] != first["bands"]
    assert adapt(client, sounds[0], profile=None)["bands"] == first["bands"]
    learn(client, edited(adapt(client, sounds[1])))
    assert "your own 'warm' (2 settings)" in adapt(client, sounds[0])["explanation"]
    assert (
        "your own 'warm' (2 settings)" in adapt(client, sounds[0], request={"less warm": 0.5, "airy": 1})["explanation"]
    )


def test_of_one_sound_and_word_the_latest_edit_counts(client, own, sounds):
    first = adapt(client, sounds[0])
    learn(client, edited(first, 4.0))
    told = learn(client, edited(first, 2.0), edited(first, 1.0, "bright")).json()
    assert [(one["word"], one["settings"]) for one in told["learned"]] == [("warm", 1), ("bright", 1)]
    assert len(own.edits()) == 2
    (warm,) = [edit for edit in own.edits() if edit.word == "warm"]
    assert max(made - then for made, then in zip(warm.made_db, warm.computed_db, strict=True)) < 2.5


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"word": "wram"}, "did you mean 'warm'"),
        ({"intensity": 0}, "nothing to be learned"),
        ({"heard": {"sample_rate": 48000, "kind": None, "ltas": "1 2 x"}}, "59 whole numbers"),
        ({"heard": {"sample_rate": 1, "kind": None, "ltas": ""}}, "must be 1000 or more"),
        ({"computed": {"bands": [{"kind": "band", "freq_hz": -1, "gain_db": 0, "bandwidth_oct": 1, "enabled": True}]}},
         "freq_hz of a band cannot be -1"),
        ({"made": {"bands": [{"kind": "band", "freq_hz": 1, "gain_db": 1e300, "bandwidth_oct": 1, "enabled": True}]}},
         "holds a number that is none"),
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence_and_nothing_is_learned(client, own, sounds, change, sentence):
    good = edited(adapt(client, sounds[0]))
    answer = learn(client, good | change)
    assert answer.status_code in (400, 404, 422) and sentence in answer.json()["error"], answer.json()
    assert own.edits() == []
    assert learn(client, good, good | {"word": "wram"}).status_code >= 400 and own.edits() == []
    assert learn(client, good, profile="a\nb").status_code == 400 and own.edits() == []


def test_what_is_given_out_comes_back_as_text(client, own, sounds):
    heard = adapt(client, sounds[0])["heard"]
    assert set(heard) == {"sample_rate", "kind", "ltas"} and len(heard["ltas"].split()) == 59
    assert json.loads(json.dumps(heard)) == heard
