"""Whether files are those of last time."""

import os
import time

from reaper_aeq.batch import content
from reaper_aeq.batch.content import content_key, same, stamp, stamps


def old(path, data=b"sound", age_s=60):
    path.write_bytes(data)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return str(path)


def test_a_file_is_known_by_size_and_time_only_once_it_has_settled(tmp_path):
    settled, fresh = old(tmp_path / "a.wav"), old(tmp_path / "b.wav", age_s=0)
    assert same(stamps([settled])) and not same(stamps([fresh]))
    assert stamp(settled)[2] == stamp(fresh)[2]
    before = stamps([settled])
    old(tmp_path / "a.wav", b"noise", age_s=30)
    assert not same(before) and content_key("x", before) != content_key("x", stamps([settled]))


def test_the_key_is_of_contents_not_of_times(tmp_path):
    path = old(tmp_path / "a.wav")
    before = stamps([path])
    old(tmp_path / "a.wav", age_s=10)
    assert not same(before) and content_key("x", before) == content_key("x", stamps([path]))
    assert content_key("x", before) != content_key("y", before)
    assert content_key("x", before) != content_key("x", {**before, "more": None})


def test_a_file_that_is_not_there_counts_until_it_comes(tmp_path):
    before = stamps([str(tmp_path / "lost.wav"), str(tmp_path)])
    assert set(before.values()) == {None}
    assert same({str(tmp_path / "lost.wav"): None})
    path = old(tmp_path / "lost.wav")
    assert not same({path: None})


def test_media_shared_by_projects_are_read_once(tmp_path, monkeypatch):
    path = old(tmp_path / "a.wav")
    read = []
    plain = content.hashlib.file_digest
    monkeypatch.setattr(content.hashlib, "file_digest", lambda *a: read.append(a) or plain(*a))
    assert stamp(path) == stamp(path) and len(read) == 1
    fresh = old(tmp_path / "b.wav", age_s=0)
    assert stamp(fresh) == stamp(fresh) and len(read) == 3
