"""Requests that come as files, against a real backend process: what HTTP answers, and everything that can go wrong."""

import json
import os
import secrets
import signal
import stat
import time
from collections.abc import Iterator

import pytest
from backends import Process, task, wait_until
from mail import Mail

from reaper_aeq.server import letters, wire
from reaper_aeq.server.state import running

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX rights and signals")


@pytest.fixture
def mail(tmp_path) -> Mail:
    return Mail(tmp_path / "REAPER ж" / "reaper-aeq-mailbox")


@pytest.fixture
def backend(process, mail) -> Process:
    return process("--mailbox", str(mail.folder))


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[Process, Mail]]:
    """One backend for all tests that leave it as it was: to start one takes seconds."""
    box = Mail(tmp_path_factory.mktemp("lasting") / "REAPER ж" / "reaper-aeq-mailbox")
    process = Process(box.folder.parent / "state" / "backend.json", "--mailbox", str(box.folder)).answering()
    yield process, box
    process.end()


@pytest.fixture
def lasting(served) -> Process:
    return served[0]


@pytest.fixture
def box(served) -> Iterator[Mail]:
    yield served[1]
    for name in served[1].left():
        (served[1].folder / name).unlink()


def test_a_job_by_letter_is_the_job_by_http(lasting, box, sounds):
    asked = {"label": "AEQ: make warmer", "tasks": [task(path) for path in sounds[:3]]}
    status, by_letter = box.ask("POST", "/v1/jobs", asked)
    by_http = lasting.http.post("/v1/jobs?wait=30", json=asked).json()
    assert status == 200 and by_letter["state"] == "done"
    assert [r["answer"] for r in by_letter["results"]] == [r["answer"] for r in by_http["results"]]
    shown = lasting.http.get("/v1/jobs").json()["jobs"][:2]  # the dashboard sees both
    assert [job["label"] for job in shown] == ["AEQ: make warmer"] * 2
    assert shown[1]["id"] == by_letter["id"] and box.left() == []


def test_every_address_answers_as_by_http(lasting, box, sounds):
    lasting.ready()
    for path in ("/v1/words", "/v1/jobs"):
        assert box.ask("GET", path) == (200, lasting.http.get(path).json())
    assert box.ask("GET", "/v1/health")[1]["pid"] == lasting.popen.pid
    analysis = box.ask("POST", "/v1/analyze", {"tasks": [{"id": "1", "path": str(sounds[0])}]})[1]
    assert analysis["results"][0]["answer"]["top"]
    for path, body in (
        ("/v1/jobs", {"tasks": []}),
        ("/v1/jobs", {"tasks": [task("relative.wav")]}),
        ("/v1/jobs", None),
    ):
        by_http = lasting.http.post(path, json=body) if body else lasting.http.post(path)
        assert box.ask("POST", path, body) == (by_http.status_code, by_http.json())
    assert box.ask("GET", "/v1/nothing")[0] == 404 and box.left() == []


@posix
def test_only_the_owner_may_look(lasting, box):
    os.umask(0)  # of this process: what the backend writes does not ask for it
    box.alive()
    assert stat.S_IMODE(box.folder.stat().st_mode) == 0o700
    letter = box.send("GET", "/v1/words")
    wait_until((box.folder / f"{letter}.answer").exists)
    for path in box.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert not any(lasting.state.token in path.read_text() for path in box.folder.iterdir())


@posix
def test_a_folder_that_others_may_read_is_closed_and_a_link_is_refused(process, mail, tmp_path):
    mail.folder.mkdir(parents=True)
    mail.folder.chmod(0o777)
    process("--mailbox", str(mail.folder))
    assert stat.S_IMODE(mail.folder.stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(mail.folder)
    other = Process(tmp_path / "other" / "backend.json", "--mailbox", str(tmp_path / "link"))
    code, out, err = other.finished()
    assert (code, out) == (2, "") and "is no folder of its own" in err and err.count("\n") == 1


def test_the_heartbeat_goes_on_and_ends_with_the_backend(backend, mail):
    first = mail.alive()
    assert first.pid == backend.popen.pid and abs(first.time - time.time()) < 5
    wait_until(lambda: mail.heartbeat().beat > first.beat + 1)
    assert mail.heartbeat().nonce == first.nonce
    wait_until(lambda: mail.heartbeat().ready)
    assert mail.ask("POST", "/v1/shutdown") == (200, {"stopping": True})
    assert backend.finished()[0] == 0 and mail.heartbeat() is None and mail.left() == []


@posix
def test_after_a_kill_the_next_one_sweeps_and_speaks_under_another_name(process, mail, sounds):
    first = process("--mailbox", str(mail.folder))
    old = mail.alive()
    pending = mail.send("POST", "/v1/jobs", {"tasks": [task(path) for path in sounds] * 20})
    wait_until((mail.folder / f"{pending}.progress").exists)
    first.signal(signal.SIGKILL).finished()
    assert mail.heartbeat().nonce == old.nonce and mail.left()
    late = mail.send("GET", "/v1/words")  # to one that is dead
    process("--mailbox", str(mail.folder))
    wait_until(lambda: mail.heartbeat().nonce != old.nonce)
    assert mail.left() == [] and late != pending
    assert mail.ask("GET", "/v1/words", to=old.nonce)[0] == 410


def test_two_backends_do_not_share_a_mailbox(lasting, box, tmp_path):
    code, out, err = Process(tmp_path / "other" / "backend.json", "--mailbox", str(box.folder)).finished()
    assert (code, out) == (2, "") and "another backend serves the mailbox" in err and err.count("\n") == 1
    assert not (tmp_path / "other" / "backend.json").exists()
    assert box.ask("GET", "/v1/health")[1]["pid"] == lasting.popen.pid


def test_one_backend_serves_two_reapers_and_neither_reads_the_other_s_letters(process, mail, tmp_path, sounds):
    first, other = process("--mailbox", str(mail.folder)), Mail(tmp_path / "second" / "mailbox")
    second = process("--background", "--mailbox", str(other.folder), wait=False)
    assert second.finished()[0] == 0
    assert other.alive().nonce == mail.alive().nonce and other.alive().pid == first.popen.pid
    asked = [box.send("POST", "/v1/jobs", {"tasks": [task(sounds[n])]}) for n, box in enumerate((mail, other))]
    for n, (box, letter) in enumerate(zip((mail, other), asked, strict=True)):
        assert box.answer(letter)[1]["results"][0]["name"] == sounds[n].stem and box.left() == []


def test_in_the_background_with_a_mailbox(process, mail, sounds):
    starter = process("--background", "--mailbox", str(mail.folder), wait=False)
    code, _, err = starter.finished()
    assert (code, err) == (0, "")
    state = running(starter.state_file)
    assert mail.alive().pid == state.pid
    assert mail.ask("POST", "/v1/shutdown")[0] == 200
    wait_until(lambda: running(starter.state_file) is None)


def test_a_hundred_letters_at_once_each_get_their_answer_once(lasting, box, sounds):
    asked = [
        box.send("POST", "/v1/analyze", {"tasks": [{"id": str(n), "path": str(sounds[n % 8])}]}) for n in range(100)
    ]
    for n, letter in enumerate(asked):
        assert box.answer(letter)[1]["results"][0]["id"] == str(n)
    assert box.left() == [] and len(lasting.http.get("/v1/jobs").json()["jobs"]) == 50


def test_a_cancelled_letter_leaves_nothing_and_its_job_ends(backend, mail, sounds):
    letter = mail.send("POST", "/v1/jobs", {"label": "gone", "tasks": [task(path) for path in sounds] * 20})
    wait_until((mail.folder / f"{letter}.progress").exists)
    mail.put(f"{letter}.cancel", "")
    wait_until(lambda: mail.left() == [])
    (job,) = backend.http.get("/v1/jobs").json()["jobs"]
    assert job["state"] == "cancelled"
    assert mail.ask("GET", "/v1/health")[0] == 200


def test_progress_is_written_while_a_job_runs(lasting, box, sounds):
    lasting.ready()
    letter = box.send("POST", "/v1/jobs", {"tasks": [task(path) for path in sounds] * 6})
    seen = set()

    def over() -> bool:
        try:
            told = wire.LetterProgress.model_validate_json((box.folder / f"{letter}.progress").read_bytes())
            seen.add((told.done, told.total, told.sender))
        except OSError:
            pass
        return (box.folder / f"{letter}.answer").exists()

    wait_until(over)
    assert len(seen) > 2 and {sender for *_, sender in seen} == {box.alive().nonce}
    assert box.answer(letter)[1]["progress"] == 1.0


NOT_LETTERS = {
    "empty": b"",
    "no json": b"\xff\x00{",
    "a list": b"[1]",
    "unknown keys": b'{"to": "%s", "method": "GET", "path": "/v1/words", "token": 1}',
    "a method": b'{"to": "%s", "method": "DELETE", "path": "/v1/words"}',
    "a page": b'{"to": "%s", "method": "GET", "path": "/"}',
    "a way out": b'{"to": "%s", "method": "GET", "path": "/v1/../page/app.js"}',
    "another host": b'{"to": "%s", "method": "GET", "path": "http://example.org/"}',
    "nested": b'{"to": "%s", "method": "POST", "path": "/v1/jobs", "body": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
}


@pytest.mark.parametrize("name", NOT_LETTERS)
def test_what_is_no_letter_is_refused_in_a_sentence(lasting, box, name):
    text = NOT_LETTERS[name].replace(b"%s", box.alive().nonce.encode())
    letter = secrets.token_hex(16)
    box.put(f"{letter}.request", text)
    status, body = box.answer(letter)
    assert status == 422 and body["error"].startswith("the request cannot be read")
    assert box.ask("GET", "/v1/health")[0] == 200 and box.left() == []


def test_too_large_a_letter_is_refused_unread(lasting, box):
    letter = secrets.token_hex(16)
    box.put(f"{letter}.request", b" " * (wire.MAX_BODY_BYTES + 2000))
    status, body = box.answer(letter)
    assert status == 413 and "too large" in body["error"]


@posix
def test_links_pipes_folders_and_other_names_are_left_alone(backend, mail, tmp_path, sounds):
    nonce = mail.alive().nonce
    asked = json.dumps({"to": nonce, "method": "POST", "path": "/v1/shutdown"})
    (tmp_path / "elsewhere").write_text(asked)
    (mail.folder / f"{'a' * 32}.request").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(mail.folder / f"{'b' * 32}.request")
    (mail.folder / f"{'c' * 32}.request").mkdir()
    for name in ("x.request", f"{'A' * 32}.request", f"{'d' * 31}.request", f"{'d' * 32}.request.", ".request"):
        (mail.folder / name).write_text(asked)
    assert mail.ask("GET", "/v1/health")[0] == 200
    time.sleep(0.5)
    assert backend.popen.poll() is None and not any(name.endswith(".answer") for name in mail.left())
    assert (tmp_path / "elsewhere").read_text() == asked


@posix
def test_a_removed_mailbox_ends_its_jobs_and_is_opened_anew_on_request(backend, mail, sounds):
    mail.send("POST", "/v1/jobs", {"tasks": [task(path) for path in sounds] * 20})
    wait_until(lambda: backend.http.get("/v1/jobs").json()["jobs"])
    mail.folder.rename(mail.folder.with_name("away"))
    wait_until(lambda: backend.http.get("/v1/jobs").json()["jobs"][0]["state"] == "cancelled")
    time.sleep(0.3)
    assert not mail.folder.exists(), "a folder that was taken away came back by itself"
    backend.state.open_mailbox(mail.folder)
    assert mail.ask("GET", "/v1/health")[0] == 200


def test_a_mailbox_is_asked_for_by_its_whole_path(lasting):
    for folder in ("relative", "", "a\0b"):
        assert lasting.http.post("/v1/mailboxes", json={"folder": folder}).status_code in (403, 422)


def test_uninstalling_ends_the_backend_and_takes_the_folder(backend, mail):
    mail.ask("GET", "/v1/health")
    assert letters.clear(mail.folder) and not mail.folder.exists()
    assert backend.finished()[0] == 0 and not letters.clear(mail.folder)


@posix
def test_one_that_hangs_does_not_keep_the_folder(backend, mail):
    mail.alive()
    backend.signal(signal.SIGSTOP)
    assert not letters.stop(mail.folder, patience_s=0.5) and mail.left() == []
    assert letters.clear(mail.folder) and not mail.folder.exists()
    backend.signal(signal.SIGCONT)
    assert backend.http.get("/v1/health").status_code == 200


def test_what_crashed_presses_left_is_swept_by_age(tmp_path):
    letters.prepare(tmp_path / "box")
    now = time.time()
    names = {f"{'1' * 32}.answer": 700, f"{'2' * 32}.answer": 5, f"{'3' * 32}.part": 700, "notes.txt": 9e6}
    for name, age_s in names.items():
        (tmp_path / "box" / name).write_text("x")
        os.utime(tmp_path / "box" / name, (now - age_s, now - age_s))
    runs = {"run-" + "a" * 16: 5000, "run-" + "b" * 16: 5, "run-" + "c" * 16 + ".done": 5, "run-mine": 9e6}
    for name, age_s in runs.items():
        (tmp_path / "box" / name).mkdir()
        (tmp_path / "box" / name / "sound.wav").write_text("x")
        for path in (tmp_path / "box" / name / "sound.wav", tmp_path / "box" / name):
            os.utime(path, (now - age_s, now - age_s))
    letters.sweep(tmp_path / "box")
    left = sorted(path.name for path in (tmp_path / "box").iterdir())
    assert left == sorted([f"{'2' * 32}.answer", "notes.txt", "run-" + "b" * 16, "run-mine"])
    letters.sweep(tmp_path / "box", everything=True)
    assert not (tmp_path / "box" / f"{'2' * 32}.answer").exists() and (tmp_path / "box" / "notes.txt").exists()
