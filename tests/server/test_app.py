"""The interface around the shipped models: the same answers as the command line, and every other address."""

import json
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import Future

import pytest
from backends import PORT, TOKEN, task
from conftest import store
from starlette.testclient import TestClient

from reaper_aeq.cli import main as cli
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.errors import LibraryError, ModelError
from reaper_aeq.server import wire


def adapt_command(capsys, *arguments) -> dict:
    assert cli.main(["adapt", *map(str, arguments), "--json"]) == 0
    return answer_of(json.loads(capsys.readouterr().out))


def answer_of(told: dict) -> dict:
    """What is printed, without what is said of the file."""
    about = ("file", "sample_rate", "channels", "duration_s", "kind", "outputs")
    return {key: value for key, value in told.items() if key not in about}


def close_to(answer: dict, other: dict) -> None:
    """Equal, but for the last digits that differ between a batch and a single sound (bands 0.05 dB)."""
    assert set(answer) == set(other)
    for key in ("word", "intensity", "method", "confidence"):
        assert answer[key] == other[key]
    assert answer["score"] == pytest.approx(other["score"], abs=2e-4)
    assert answer["output_gain_db"] == pytest.approx(other["output_gain_db"], abs=0.01)
    for band, same in zip(answer["bands"], other["bands"], strict=True):
        assert band["kind"] == same["kind"] and band["gain_db"] == pytest.approx(same["gain_db"], abs=0.05)
        assert band["freq_hz"] == pytest.approx(same["freq_hz"], rel=0.01)


def test_one_task_gets_exactly_what_the_command_line_says(client, sounds, capsys):
    job = client.post("/v1/jobs?wait=30", json={"label": "Make warmer", "tasks": [task(sounds[2])]}).json()
    assert job["state"] == "done" and job["results"][0]["id"] == f"{{{sounds[2].stem}}}"
    answer = job["results"][0]["answer"]
    heard = answer.pop("heard")  # which only those need who learn from what is made of the answer
    assert len(heard["ltas"].split()) == len(GRID_HZ) and heard["sample_rate"] == 44_100
    assert answer == adapt_command(capsys, sounds[2], "warm")


def test_a_sketch_comes_only_where_it_is_asked_for(client, sounds):
    asked = [task(sounds[2], "warm", sketch=sketch) for sketch in (False, True)]
    plain, sketched = (
        one["answer"] for one in client.post("/v1/jobs?wait=30", json={"tasks": asked}).json()["results"]
    )
    sketch = sketched.pop("sketch")
    close_to(sketched, plain)
    assert "sketch" not in plain and 1.0 <= sketch["most"] <= 2.0
    for curve in ("source", "low", "high"):
        assert len(sketch[curve].split()) == len(GRID_HZ)
    pairs = [float(number) for number in sketch["gains"].split()]
    gains = dict(zip(pairs[::2], pairs[1::2], strict=True))
    assert gains[1.0] == pytest.approx(sketched["output_gain_db"], abs=0.01) and max(gains) == sketch["most"]


def test_many_tasks_of_every_kind_get_what_the_command_line_says(client, sounds, tmp_path, capsys):
    wide = store(tmp_path / "wide.wav", seconds=61, seed=5)  # beyond a minute loudness comes from the analysis
    asked = [
        (sounds[0], "warm", {}),
        (sounds[1], "warm 0.7, airy 0.3", {}),
        (sounds[3], {"warm": 0.7, "airy": -0.3}, {"intensity": 0.5}),
        (sounds[4], "less muddy", {"adaptation": 1.0}),
        (sounds[5], "Brighter", {"intensity": -1}),
        (sounds[6], "bright", {"method": "fixed"}),
        (wide, "warm", {}),
        (sounds[0], "airy", {"intensity": 0}),
        (sounds[0], "boomy", {}),
    ]
    tasks = [task(path, request, **more) for path, request, more in asked]
    job = client.post("/v1/jobs?wait=30", json={"tasks": tasks}).json()
    assert [result["n"] for result in job["results"]] == list(range(len(asked)))
    for (path, request, more), result in zip(asked, job["results"], strict=True):
        word = request if isinstance(request, str) else ", ".join(f"{name} {value}" for name, value in request.items())
        options = [part for name, value in more.items() for part in (f"--{name}", value)]
        assert result["answer"].pop("heard")
        close_to(result["answer"], adapt_command(capsys, path, word, *options))


def test_a_match_is_what_the_command_line_says(client, sounds, capsys):
    references = [str(path) for path in sounds[3:5]]
    tasks = [task(path, None, references=references, intensity=0.8) for path in sounds[:2]]
    job = client.post("/v1/jobs?wait=30", json={"tasks": tasks}).json()
    for path, result in zip(sounds, job["results"], strict=False):
        assert cli.main(["match", str(path), *references, "--intensity", "0.8", "--json"]) == 0
        told = answer_of(json.loads(capsys.readouterr().out))
        close_to(result["answer"], told)
        assert result["answer"]["distance_db"] == pytest.approx(told["distance_db"], abs=0.01)
    assert client.get(f"/v1/jobs/{job['id']}/tasks/0/plot.svg").status_code == 200


def test_analyze_says_what_the_command_line_says(client, sounds, capsys):
    tasks = [{"id": "a", "name": "A", "path": str(path)} for path in sounds[:2]]
    job = client.post("/v1/analyze?wait=30", json={"tasks": tasks}).json()
    assert cli.main(["analyze", *map(str, sounds[:2]), "--json"]) == 0
    for result, report in zip(job["results"], json.loads(capsys.readouterr().out)["files"], strict=True):
        assert result["answer"]["scores"] == pytest.approx(report["profile"], abs=1e-3)
        assert result["answer"]["suggestion"] == report["suggestion"]
        (word, score), *_ = result["answer"]["top"]
        assert result["answer"]["scores"][word] == score


def test_words_are_those_of_the_command_line(client, capsys):
    assert cli.main(["words", "--json"]) == 0
    assert client.get("/v1/words").json() == json.loads(capsys.readouterr().out)


def test_health(client):
    health = client.get("/v1/health").json()
    assert health["ready"] and health["device"] in ("cpu", "cuda", "mps") and health["name"] == "reaper-aeq"


def test_a_request_waits_no_longer_than_asked_and_no_longer_than_needed(client, sounds):
    body = {"label": "x", "tasks": [task(path) for path in sounds]}
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 202 and answer.json()["state"] in ("queued", "running")
    job_id, began = answer.json()["id"], time.monotonic()
    while (job := client.get(f"/v1/jobs/{job_id}?wait=25").json())["state"] != "done":
        assert time.monotonic() - began < 24
    assert job["progress"] == 1 and job["total"] == len(sounds)
    began = time.monotonic()
    client.get(f"/v1/jobs/{job_id}?wait=25")
    assert time.monotonic() - began < 20
    assert client.post("/v1/jobs?wait=30", json=body).status_code == 200


def test_recent_jobs_are_sent_only_when_something_changed(client, sounds):
    for n in range(3):
        client.post("/v1/jobs?wait=30", json={"label": str(n), "tasks": [task(sounds[0])]})
    answer = client.get("/v1/jobs?limit=2")
    assert [job["label"] for job in answer.json()["jobs"]] == ["2", "1"]
    again = client.get("/v1/jobs?limit=2", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and again.content == b""
    assert client.get("/v1/jobs?limit=3", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200
    client.post("/v1/jobs?wait=30", json={"tasks": [task(sounds[0])]})
    assert client.get("/v1/jobs?limit=2", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200


def test_the_plot_of_a_result(client, sounds):
    tasks = [{**task(sounds[0]), "name": "<img src=x onerror=alert(1)>"}, task("/nowhere/a.wav")]
    job_id = client.post("/v1/jobs?wait=30", json={"tasks": tasks}).json()["id"]
    pictures = set()
    for theme in ("light", "dark"):
        for narrow in ("true", "false"):
            answer = client.get(f"/v1/jobs/{job_id}/tasks/0/plot.svg?theme={theme}&narrow={narrow}")
            assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/svg+xml"
            root = ElementTree.fromstring(answer.content)
            assert root.tag.endswith("svg") and b"onerror" not in answer.content and b"<script" not in answer.content
            pictures.add(answer.content)
    assert len(pictures) == 4
    assert client.get(f"/v1/jobs/{job_id}/tasks/0/plot.svg?theme=light&narrow=true").content in pictures
    for place in ("1", "2", "999"):
        assert client.get(f"/v1/jobs/{job_id}/tasks/{place}/plot.svg").status_code == 404
    for place in ("1000", "-1", "x"):
        assert client.get(f"/v1/jobs/{job_id}/tasks/{place}/plot.svg").status_code == 422


@pytest.mark.parametrize(
    ("method", "address", "body", "status", "sentence"),
    [
        ("GET", "/v1/nowhere", None, 404, "nothing at this address"),
        ("PUT", "/v1/jobs", None, 405, "PUT cannot be done"),
        ("GET", "/v1/jobs/abc", None, 404, "no job 'abc'"),
        ("DELETE", "/v1/jobs/abc", None, 404, "no job 'abc'"),
        ("POST", "/v1/jobs", "{", 422, "the body is not JSON"),
        ("POST", "/v1/jobs", "[]", 422, "the body must be an object"),
        ("POST", "/v1/jobs", '{"tasks": [{"id": "\\ud800"}]}', 422, "tasks.0"),
        ("POST", "/v1/jobs?wait=31", '{"tasks": []}', 422, "wait must be 30 or less"),
        ("POST", "/v1/jobs?wait=nan", '{"tasks": []}', 422, "wait must be a finite number"),
        ("POST", "/v1/jobs", '{"tasks": []}', 422, "tasks must hold 1 or more"),
        ("GET", "/page/../app.py", None, 404, "nothing at this address"),
        ("GET", "/page/%2e%2e/app.py", None, 404, "nothing at this address"),
    ],
)
def test_every_refusal_is_a_status_and_one_sentence(client, method, address, body, status, sentence):
    answer = client.request(method, address, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert wire.Failure(**answer.json()) and sentence in answer.json()["error"]


def test_a_defect_is_told_in_one_sentence_without_its_trace(client, monkeypatch, caplog):
    monkeypatch.setattr(client.app.state.backend.jobs, "get", lambda job_id: 1 / 0)
    monkeypatch.setattr(client.app.state.backend.jobs, "state", lambda job_id: "done")
    answer = client.get("/v1/jobs/abc")
    assert answer.status_code == 500 and "ZeroDivision" not in answer.text and "log" in answer.json()["error"]
    assert "ZeroDivisionError" in caplog.text


def test_the_log_page_shows_its_end_and_never_the_token(client, tmp_path):
    assert client.get("/v1/log").text == ""
    (tmp_path / "backend.log").write_text("".join(f"line {n} <b>ü\n" for n in range(1000)), encoding="utf-8")
    answer = client.get("/v1/log")
    assert answer.text.endswith("line 999 <b>ü\n") and answer.text.startswith("line 700 ")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert TOKEN not in answer.text


def test_idle_time_counts_from_what_was_asked_not_from_looking(client, sounds):
    backend = client.app.state.backend
    backend.touched -= 100
    client.get("/v1/jobs")
    client.get("/")
    assert backend.idle_s() > 99
    client.post("/v1/jobs?wait=30", json={"tasks": [task(sounds[0])]})
    assert backend.idle_s() < 50


def test_shutdown(client):
    assert client.post("/v1/shutdown").json() == {"stopping": True}
    assert client.app.state.backend.stopping


def test_docs_that_would_load_scripts_from_elsewhere_are_off(client):
    assert client.get("/docs").status_code == 404 and client.get("/redoc").status_code == 404
    assert TestClient(client.app, base_url=f"http://127.0.0.1:{PORT}").get("/openapi.json").status_code == 401


def test_a_backend_whose_libraries_do_not_load_is_never_ready(clients):
    failed = Future()
    failed.set_exception(LibraryError("torch 2.11.0 and torchaudio 2.11.1 cannot be loaded"))
    client = clients(failed)
    told = client.get("/v1/health").json()
    assert (told["ready"], told["device"]) == (False, "")
    failed = Future()
    failed.set_exception(ModelError("no models there"))  # this one answers, with its sentence
    assert clients(failed).get("/v1/health").json()["ready"] is True
