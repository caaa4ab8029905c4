"""schemathesis reads the real OpenAPI page of a real process and draws requests from it, valid and broken."""

import pytest
import schemathesis
from backends import Process, task
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    process = Process(tmp_path_factory.mktemp("schema") / "backend.json").answering().ready()
    yield process
    process.end()


@pytest.fixture(scope="module")
def operations(backend):
    address, headers = f"{backend.http.base_url}/openapi.json", dict(backend.http.headers)
    schema = schemathesis.openapi.from_url(address, headers=headers)
    return [result.ok() for result in schema.get_all_operations()]


def test_every_address_is_described(operations):
    assert {(operation.method.upper(), operation.path) for operation in operations} == {
        ("GET", "/v1/health"), ("GET", "/v1/words"), ("GET", "/v1/words/curves"), ("GET", "/v1/log"),
        ("POST", "/v1/shutdown"), ("GET", "/v1/jobs"), ("POST", "/v1/mailboxes"), ("POST", "/v1/dashboard"),
        ("POST", "/v1/profile/learn"), ("POST", "/v1/jobs"), ("POST", "/v1/analyze"),
        ("GET", "/v1/jobs/{job_id}"), ("DELETE", "/v1/jobs/{job_id}"),
        ("GET", "/v1/jobs/{job_id}/tasks/{n}/plot.svg"),
    }  # fmt: skip


def test_no_request_makes_it_fail(backend, operations, sounds):
    asked = {"tasks": [task(sounds[0])]}
    known = backend.http.post("/v1/jobs?wait=30", json=asked).json()["id"]
    seen: set[int] = set()
    for operation in operations:
        for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
            # stopping it is the last test's; what can have no invalid request has no negative ones
            # and no folder is to be made wherever a drawn path leads
            if operation.path not in ("/v1/shutdown", "/v1/mailboxes") and (
                mode.is_positive or operation.path.startswith("/v1/jobs")
            ):
                seen |= attempt(operation.as_strategy(generation_mode=mode), backend.state.token, known)
    assert seen >= {200, 404, 422} and max(seen) < 500
    assert backend.http.post("/v1/jobs?wait=30", json=asked).json()["results"][0]["ok"]
    assert "Traceback" not in backend.state_file.with_suffix(".log").read_text()


def attempt(cases, token: str, known: str) -> set[int]:
    """Sends what is drawn, checks each answer against the description; gives the statuses seen."""
    seen = set()

    @settings(
        max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        database=None, derandomize=True,
    )  # fmt: skip
    @given(case=cases)
    def send(case):
        if len(str(case.path_parameters.get("job_id", ""))) % 2:
            case.path_parameters["job_id"] = known  # not every job is unknown
        if isinstance(case.query.get("wait"), int | float):
            case.query["wait"] = min(case.query["wait"], 0.05)  # nobody here has the patience
        answer = case.call(headers={"Authorization": f"Bearer {token}"}, timeout=60)
        case.validate_response(answer, checks=CHECKS)
        seen.add(answer.status_code)

    send()
    return seen


def test_the_one_that_stops_it_is_as_described_too(backend, operations):
    (operation,) = [operation for operation in operations if operation.path == "/v1/shutdown"]
    answer = operation.Case().call(headers={"Authorization": f"Bearer {backend.state.token}"})
    operation.Case().validate_response(answer, checks=CHECKS)
    assert backend.finished()[0] == 0
