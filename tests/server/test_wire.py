"""The samples in tests/wire, which the Lua client's tests read too, are messages as `wire` describes them."""

import json
from pathlib import Path

import pytest
from backends import StateInfo
from pydantic import TypeAdapter, ValidationError

from reaper_aeq.model.kinds import KINDS
from reaper_aeq.server import wire
from reaper_aeq.server.failures import first_fault

SAMPLES = Path(__file__).parents[1] / "wire"
MODELS = {
    "analyze_done": wire.JobInfo, "analyze_request": wire.AnalyzeRequest, "dashboard": wire.DashboardAddress,
    "error": wire.Failure, "health": wire.Health,
    "heartbeat": wire.Heartbeat, "letter": wire.Letter, "letter_answer": wire.LetterAnswer,
    "learn_request": wire.LearnRequest, "learned": wire.Learned, "letter_progress": wire.LetterProgress,
    "mailbox": wire.MailboxInfo,
    "job_cancelled": wire.JobInfo, "job_done": wire.JobInfo, "job_failed_task": wire.JobInfo,
    "job_queued": wire.JobInfo,
    "job_request": wire.JobRequest, "job_running": wire.JobInfo, "jobs": wire.JobList,
    "match_done": wire.JobInfo, "match_request": wire.JobRequest,
    "shutdown": wire.Stopping, "sound_done": wire.JobInfo, "sound_request": wire.JobRequest,
    "state_file": StateInfo, "words": wire.Words,
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
        ({"intensity": 3}, "tasks.0.intensity must be 2 or less"),
        ({"intensity": float("nan")}, "tasks.0.intensity must be a finite number"),
        ({"intensity": "1"}, "tasks.0.intensity must be a number"),
        ({"adaptation": -0.1}, "tasks.0.adaptation must be 0 or more"),
        ({"path": ""}, "tasks.0.path must not be empty"),
        ({"path": "x" * 4097}, "tasks.0.path may have 4096 characters at most"),
        ({"kind": "flute"}, f"tasks.0.kind must be one of {', '.join(KINDS)}"),
        ({"request": None}, "tasks.0: give a word in 'request', or 'references' to match"),
        ({"references": ["/a.wav"]}, "tasks.0: give either a word in 'request' or 'references' to match, not both"),
        ({"references": "/a.wav"}, "tasks.0.references must be a list"),
        ({"references": ["/a.wav"] * 17}, "tasks.0.references may hold 16 at most"),
        ({"request": {"warm": 9}}, "tasks.0.request.warm must be 2 or less"),
        ({"request": {"": 1}}, "a name in tasks.0.request must not be empty"),
        ({"request": 5}, "tasks.0.request must be text"),
        ({"request": ""}, "tasks.0.request must not be empty"),
        ({"references": [{"nam": "x"}]}, "tasks.0.references.0.name is missing"),
        ({"sound": 5}, "tasks.0.sound must be an object"),
        ({"wett": 1}, "tasks.0.wett is not known here"),
    ],
)
def test_a_fault_is_one_sentence(changes, sentence):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(wire.JobRequest).validate_python(with_task(**changes))
    errors = [{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()]
    assert first_fault(errors) == sentence


def leaves(value, place=()):
    """Every place in a message."""
    yield place
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from leaves(part, (*place, key))


def put(value, place, new):
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = put(value[place[0]], place[1:], new)
    return copy


WRONG = (None, True, -1, 1e9, 2.5, float("nan"), "", "x" * 5000, [], [None] * 1001, {}, {"": 5})


@pytest.mark.parametrize(
    "name", ["sound_request", "match_request", "analyze_request", "learn_request", "letter", "mailbox"]
)
def test_whatever_is_wrong_is_told_without_the_library_s_words(name):
    """Each place of a message given something that cannot be right."""
    data, told = sample(name), set()
    for place in leaves(data):
        for new in WRONG:
            try:
                MODELS[name].model_validate(put(data, place, new))
            except ValidationError as error:
                told.add(first_fault([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]))
    assert len(told) > 4
    foreign = ("should", "pattern", "valid", "instance", "permitted", "dict", "constrained", "Info", "[key]", "\n")
    assert not [one for one in told if any(word in one for word in foreign)]


def test_counts_are_bounded():
    task = sample("job_request")["tasks"][0]
    wire.JobRequest(tasks=[task] * wire.MAX_TASKS)
    for tasks in ([], [task] * (wire.MAX_TASKS + 1)):
        with pytest.raises(ValidationError):
            wire.JobRequest(tasks=tasks)
