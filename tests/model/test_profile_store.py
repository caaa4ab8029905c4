import multiprocessing
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter

import pytest

from reaper_aeq.errors import AeqError
from reaper_aeq.model.profile_store import Edit, ProfileStore, StoreError, default_store

SECRET = "zq-secret-word"


def edit(profile="default", word="warm", value=1.0):
    return Edit(profile, word, "vocals", (value,) * 3, (0.0,) * 3, (value,) * 3, (0.5,) * 3, 1.0)


@pytest.fixture
def store(tmp_path):
    return ProfileStore(tmp_path / "below" / "profiles.sqlite")


def test_nothing_is_made_by_reading(store):
    assert store.edits() == []
    assert not store.path.parent.exists()


def test_edits_come_back_by_profile(store):
    store.add([edit(), edit("metal"), edit(word="airy")])
    assert [one.word for one in store.edits("default")] == ["warm", "airy"]
    assert store.edits("metal")[0].made_db == (1.0, 1.0, 1.0)
    assert store.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("bad", [edit(value=float("nan")), Edit("a", "w", "", (), (), (), (), 1.0)])
def test_what_is_no_edit_is_refused_and_nothing_of_its_press_is_kept(store, bad):
    with pytest.raises(AeqError):
        store.add([edit(), bad])
    assert store.edits() == []


def test_an_edit_that_cannot_be_written_is_no_damage_of_the_store(store):
    store.add([edit()])
    with pytest.raises(ValueError):
        store.add([edit(word="\udce9")])
    assert len(store.edits()) == 1 and store.set_aside() == [] and store.told == []


def test_erasing_a_word_leaves_no_trace_of_it_in_the_file(store):
    store.add([edit(word=SECRET)] * 50 + [edit()])
    assert SECRET.encode() in store.path.read_bytes()
    assert store.erase(word=SECRET) == 50
    assert SECRET.encode() not in store.path.read_bytes()
    assert [path.name for path in store.path.parent.iterdir()] == ["profiles.sqlite"]
    assert len(store.edits()) == 1


def test_erasing_everything_takes_what_was_set_aside_too(store):
    store.add([edit()])
    store.path.write_bytes(b"\0" * 5000)
    store.add([edit()])
    assert store.set_aside()
    assert store.erase() == 1
    assert list(store.path.parent.iterdir()) == []


@pytest.mark.parametrize("damage", ["zeros", "text", "cut", "no table", "bad row"])
def test_a_damaged_store_is_set_aside_with_a_sentence(store, damage):
    store.add([edit()] * 100)
    data = store.path.read_bytes()
    if damage in ("no table", "bad row"):
        with sqlite3.connect(store.path) as db:
            db.execute("drop table edits" if damage == "no table" else "update edits set made_db = 'x'")
    else:
        wrong = {"zeros": bytes(len(data)), "text": b"hello " * 500, "cut": data[: len(data) // 2]}
        store.path.write_bytes(wrong[damage])
    assert store.edits() == []
    assert len(store.set_aside()) == 1
    assert "set aside" in store.told[0]
    store.add([edit()])
    assert len(store.edits()) == 1


def test_a_newer_store_is_left_alone(store):
    store.add([edit()])
    with sqlite3.connect(store.path) as db:
        db.execute("pragma user_version = 99")
    before = store.path.read_bytes()
    with pytest.raises(StoreError, match="newer"):
        store.edits()
    assert store.path.read_bytes() == before


def _add(path, count):
    for _ in range(count):
        ProfileStore(path).add([edit()])


def test_two_processes_lose_nothing(store):
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_add, args=(store.path, 15)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(store.edits()) == 30


def test_of_one_sound_and_word_the_latest_edit_counts_where_that_is_asked(store):
    store.add([edit(value=1.0)])
    store.add([edit(value=1.0), edit("metal", value=1.0)], once=True)
    assert len(store.edits()) == 2
    later = Edit("default", "warm", "drums", (1.0,) * 3, (0.5,) * 3, (2.0,) * 3, (0.5,) * 3, 0.7)
    store.add([later], once=True)
    store.add([edit(value=2.0)], once=True)
    assert [(one.profile, one.made_db[0], one.intensity) for one in store.edits()] == [
        ("metal", 1.0, 1.0), ("default", 2.0, 0.7), ("default", 2.0, 1.0),
    ]  # fmt: skip


LEARNING = """
import sys
from reaper_aeq.model.profile_store import Edit, ProfileStore
store, n = ProfileStore(__import__("pathlib").Path(sys.argv[1])), 0
while True:
    n += 1
    curve = (float(n),) * 59
    store.add([Edit("default", f"word {n}", "vocals", curve, curve, curve, curve, 1.0)] * 3)
    print(n, flush=True)
"""


def test_a_process_that_is_killed_while_it_writes_leaves_whole_settings(store):
    """Killed at any moment: what was said to be kept is there, presses are there with all their settings or none."""
    promised = {}
    chance = random.Random(5)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", LEARNING, str(store.path)], stdout=subprocess.PIPE) as process:
            said = [int(process.stdout.readline()) for _ in range(chance.randrange(1, 6))]
            time.sleep(chance.random() * 0.02)
            process.kill()
            said += [int(line) for line in process.stdout.read().split(b"\n")[:-1]]
        for n in said:
            promised[n] = promised.get(n, 0) + 3
        found = store.edits()
        counts = Counter(int(one.word.removeprefix("word ")) for one in found)
        assert not store.set_aside() and store.told == []
        assert all(counts[n] >= count for n, count in promised.items())
        assert all(count % 3 == 0 for count in counts.values())
        assert all({*one.heard, *one.computed_db, *one.made_db} == {float(one.word.split()[1])} for one in found)
        promised = dict(counts)
    assert store.erase() == sum(promised.values())


def test_a_full_disk_keeps_what_was_there(store, monkeypatch):
    store.add([edit()])

    connect = sqlite3.connect

    def full(*given, **options):
        db = connect(*given, **options)
        db.execute("pragma max_page_count = 1")
        return db

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(StoreError, match="full"):
        store.add([edit()] * 5000)
    monkeypatch.undo()
    assert len(store.edits()) == 1
    assert not store.set_aside()


def test_its_place_can_be_chosen(tmp_path):
    assert default_store("linux", {"AEQ_PROFILES": str(tmp_path / "a")}) == tmp_path / "a"
