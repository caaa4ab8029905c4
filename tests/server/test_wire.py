"""The samples in tests/wire, which the Lua client's tests read too, are messages as `wire` describes them."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from reaper_aeq.server import wire

SAMPLES = Path(__file__).parents[1] / "wire"
MODELS = {
    "analyze_done": wire.JobInfo, "analyze_request": wire.AnalyzeRequest, "dashboard": wire.DashboardAddress,
    "error": wire.Failure, "health": wire.Health,
    "heartbeat": wire.Heartbeat, "letter": wire.Letter, "letter_answer": wire.LetterAnswer,
    "letter_progress": wire.LetterProgress, "mailbox": wire.MailboxInfo,
    "job_cancelled": wire.JobInfo, "job_done": wire.JobInfo, "job_failed_task": wire.JobInfo,
    "job_queued": wire.JobInfo,
    "job_request": wire.JobRequest, "job_running": wire.JobInfo, "jobs": wire.JobList,
    "match_done": wire.JobInfo, "match_request": wire.JobRequest,
    "shutdown": wire.Stopping, "sound_done": wire.JobInfo, "sound_request": wire.JobRequest,
    "state_file": wire.StateInfo, "words": wire.Words,
}  # fmt: skip


def sample(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def test_every_sample_has_its_model_and_every_message_a_sample():
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_sample_is_a_message_and_comes_back_whole(name):
    data = sample(name)
    message = MODELS[name].model_validate_json(json.dumps(data))
    assert message.model_dump(mode="json", exclude_unset=True) == data


@pytest.mark.parametrize("name", MODELS)
def test_a_key_that_nobody_knows_is_refused(name):
    with pytest.raises(ValidationError, match="wet"):
        MODELS[name].model_validate({**sample(name), "wet": 1})


def with_task(**changes):
    data = sample("job_request")
    return {**data, "tasks": [{**data["tasks"][0], **changes}]}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"intensity": 3}, "tasks.0.intensity: input should be less than or equal to 2"),
        ({"intensity": float("nan")}, "tasks.0.intensity: input should be a finite number"),
        ({"intensity": "1"}, "tasks.0.intensity: input should be a valid number"),
        ({"adaptation": -0.1}, "tasks.0.adaptation: input should be greater than or equal to 0"),
        ({"path": ""}, "tasks.0.path: string should have at least 1 character"),
        ({"request": None}, "tasks.0: give a word in 'request', or 'references' to match"),
        ({"references": ["/a.wav"]}, "tasks.0: give either a word in 'request' or 'references' to match, not both"),
        ({"request": {"warm": 9}}, "tasks.0.request.warm: input should be less than or equal to 2"),
        ({"request": 5}, "tasks.0.request: input should be a valid string"),
        ({"request": ""}, "tasks.0.request: string should have at least 1 character"),
        ({"references": [{"nam": "x"}]}, "tasks.0.references.0.name: field required"),
        ({"wett": 1}, "tasks.0.wett: extra inputs are not permitted"),
    ],
)
def test_a_fault_is_one_sentence(changes, sentence):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(wire.JobRequest).validate_python(with_task(**changes))
    errors = [{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()]
    assert wire.first_fault(errors) == sentence


def test_counts_are_bounded():
    task = sample("job_request")["tasks"][0]
    wire.JobRequest(tasks=[task] * wire.MAX_TASKS)
    for tasks in ([], [task] * (wire.MAX_TASKS + 1)):
        with pytest.raises(ValidationError):
            wire.JobRequest(tasks=tasks)
