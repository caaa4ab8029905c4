"""The study's server: blind, each answer kept before it is confirmed, listeners apart, whatever ends the process."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest
from starlette.testclient import TestClient

from reaper_aeq.evaluation.listening.app import create_app
from reaper_aeq.evaluation.listening.study import ANSWERS

PORT = 8766
SECRETS = re.compile(r"secret|\b(original|fixed|adaptive|anchor|hidden_reference)\b")  # 'secret' is in all names


def client_of(study, app=None):
    headers = {"Authorization": f"Bearer {study.token}"}
    return TestClient(app or create_app(study, PORT), base_url=f"http://127.0.0.1:{PORT}", headers=headers)


@pytest.fixture
def client(study):
    return client_of(study)


def join(client, name="Ann"):
    answer = client.post("/v1/listeners", json={"name": name, "consent": True})
    assert answer.status_code == 201, answer.text
    return f"/v1/listeners/{answer.json()['listener']}"


def put(client, me, position, question, value):
    return client.put(f"{me}/trials/{position}", json={"question": question, "value": value})


def answers_to(trial, rating=50):
    if trial["kind"] == "pair":
        return [("more", trial["sounds"][0]), ("prefer", "neither")]
    return [(sound, rating) for sound in trial["sounds"]]


def go_through(client, me, pages=99):
    """Answers up to `pages` pages; gives where the listener is then."""
    where = client.get(me).json()
    while where["trial"] and pages:
        trial, pages = where["trial"], pages - 1
        for question, value in answers_to(trial):
            assert put(client, me, trial["position"], question, value).status_code == 200
        where = client.post(f"{me}/trials/{trial['position']}/finished").json()
    return where


def rows(study, table):
    with closing(sqlite3.connect(study.folder / ANSWERS)) as db:
        return db.execute(f"select * from {table}").fetchall()


def test_no_answer_of_the_server_says_which_sound_is_which(study, client):
    seen, ids = [], []

    def watch(response):
        response.read()
        body = b"" if response.headers["content-type"] == "audio/wav" else response.content
        seen.append(f"{response.url} {response.headers} {body.decode()}")

    client.event_hooks["response"] = [watch]
    page = client.get("/").text
    for address in re.findall(r'(?:src|href)="(/page/[^"]+)"', page):
        assert client.get(address).status_code == 200
    assert client.get("/page/player.js").status_code == client.get("/page/questions.js").status_code == 200
    for listener in ("Ann", "Ben"):
        me = join(client, listener)
        while trial := client.get(me).json()["trial"]:
            shown = [trial["reference"]] if trial["reference"] else []
            sounds = [client.get(f"{me}/sounds/{sound}") for sound in shown + trial["sounds"]]
            assert {sound.status_code for sound in sounds} == {200}
            # what differs between the answers is the sound alone
            assert len({str(sorted(sound.headers.items())) for sound in sounds}) == 1
            ids += shown + trial["sounds"]
            go_through(client, me, 1)
        assert put(client, me, 0, "more", "neither").status_code == 409
    assert client.get("/v1/listeners/nobody").status_code == 404 and client.get("/stimuli").status_code == 404
    assert put(client, me, "x", {}, []).status_code == 422
    everything = "\n".join(seen).lower()
    assert "warm" in everything and SECRETS.findall(everything) == []
    files = [name.lower() for item in study.items for name in (item.id, *item.sounds.values())]
    assert [name for name in files if name in everything] == []
    # the reference shown and the hidden one are two ids, as everything is
    assert len(set(ids)) == len(ids) == 2 * (6 * 2 + 2 * 5)


def test_the_hidden_reference_is_the_reference_and_sounds_are_the_studys(study, client):
    me = join(client)
    go_through(client, me, 6)
    trial = client.get(me).json()["trial"]
    reference, *sounds = (client.get(f"{me}/sounds/{name}").content for name in [trial["reference"], *trial["sounds"]])
    assert sounds.count(reference) == 1 and len(set(sounds)) == 4
    word = trial["word"]
    (item,) = [item for item in study.items if item.word == word]
    assert set(sounds) == {study.sound(item.id, name).read_bytes() for name in item.sounds}
    assert reference == study.sound(item.id, "original").read_bytes()


def test_a_listener_goes_on_where_they_were(study, client):
    me = join(client)
    where = go_through(client, me, 5)
    put(client, me, 5, "prefer", where["trial"]["sounds"][1])
    for again in (client, client_of(study)):  # a reload, and a server that was started anew
        found = again.get(me).json()
        assert (found["finished"], found["trials"], found["name"]) == (5, 8, "Ann")
        assert found["trial"] == where["trial"] | {"answers": {"prefer": where["trial"]["sounds"][1]}}
    assert go_through(client, me)["trial"] is None
    assert client.get(me).json() == {"name": "Ann", "finished": 8, "trials": 8, "trial": None}
    assert len(rows(study, "choices")) == 12 and len(rows(study, "ratings")) == 8


def test_two_listeners_at_once_are_kept_apart(study, client):
    names = [f"listener {n}" for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        people = list(pool.map(lambda name: join(client, name), names))
        ended = list(pool.map(lambda me: go_through(client, me), people))
    assert [where["name"] for where in ended] == names and not any(where["trial"] for where in ended)
    for listener in range(4):
        assert len([row for row in rows(study, "choices") if row[0] == listener]) == 12
        assert len([row for row in rows(study, "ratings") if row[0] == listener]) == 8
    first, second = join(client, "first"), join(client, "second")
    sound = client.get(first).json()["trial"]["sounds"][0]
    assert client.get(f"{second}/sounds/{sound}").status_code == 404
    assert put(client, second, 0, "more", sound).status_code == 400
    taken = client.post("/v1/listeners", json={"name": " FIRST ", "consent": True})
    assert taken.status_code == 409 and "takes part already" in taken.json()["error"]


def test_an_answer_is_in_the_database_before_it_is_confirmed(study):
    app, found = create_app(study, PORT), []

    async def spied(scope, receive, send):
        async def checking(message):
            if message["type"] == "http.response.start" and scope["method"] == "PUT":
                # through a connection of its own: what is not committed is not seen
                found.append([(row[2], row[3]) for row in rows(study, "choices")])
            await send(message)

        await app(scope, receive, checking)

    client = client_of(study, spied)
    me = join(client)
    trial = client.get(me).json()["trial"]
    put(client, me, 0, "more", trial["sounds"][1])
    put(client, me, 0, "prefer", "neither")
    put(client, me, 0, "more", "neither")
    (first, *_), second, third = found
    assert first[0] == "more" and first[1] in study.methods
    assert sorted(second) == sorted([first, ("prefer", "neither")])
    assert sorted(third) == [("more", "neither"), ("prefer", "neither")]


def test_what_is_no_answer_is_refused(study, client):
    for body in (
        {"name": "", "consent": True}, {"name": "Ann", "consent": False}, {"name": "a\u0007", "consent": True},
        {"name": "x" * 61, "consent": True}, {"name": "Ann"}, {"name": "Ann", "consent": True, "admin": 1},
    ):  # fmt: skip
        assert client.post("/v1/listeners", json=body).status_code == 422, body
    me = join(client)
    trial = client.get(me).json()["trial"]
    for question, value in (("more", "nothing"), ("more", 3), ("best", "neither"), (trial["sounds"][0], 50)):
        assert put(client, me, 0, question, value).status_code == 400
    assert put(client, me, 1, "more", "neither").status_code == 409
    put(client, me, 0, "more", "neither")
    assert client.post(f"{me}/trials/0/finished").status_code == 409, "a question is open"
    trial = go_through(client, me, 6)["trial"]
    for value in (-1, 101, 50.5, "50", True):
        assert put(client, me, 6, trial["sounds"][0], value).status_code in (400, 422), value
    assert put(client, me, 6, trial["reference"], 100).status_code == 400
    assert rows(study, "ratings") == []


def test_only_this_machine_and_only_with_the_token(study):
    app = create_app(study, PORT)
    with TestClient(app, base_url=f"http://127.0.0.1:{PORT}") as stranger:
        refused = stranger.get("/", headers={"Accept": "text/html"})
        assert refused.status_code == 401 and "evaluate listen" in refused.text
        assert stranger.get("/", headers={"Host": "evil.example"}).status_code == 403
        entered = stranger.get(f"/?token={study.token}", follow_redirects=False)
        assert entered.status_code == 303 and "HttpOnly; SameSite=Strict" in entered.headers["set-cookie"]
        page = stranger.get("/")
        assert page.status_code == 200 and "script-src 'self'" in page.headers["content-security-policy"]
        foreign = stranger.post("/v1/listeners", json={}, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403


def test_a_disk_that_refuses_is_told_of_and_nothing_is_confirmed(study, client):
    me = join(client)
    (study.folder / ANSWERS).write_bytes(b"not a database at all" * 100)
    answer = put(client, me, 0, "more", "neither")
    assert answer.status_code == 507 and "cannot be stored" in answer.json()["error"]


def test_the_answers_are_for_the_owners_eyes(study, client):
    assert oct(os.stat(study.folder / ANSWERS).st_mode)[-3:] == "600"


def started(folder, port=None):
    command = [sys.executable, "-m", "reaper_aeq", "evaluate", "listen", str(folder), "--json"]
    command += ["--port", str(port)] if port else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    told = ""
    while not told.endswith("}\n"):
        line = process.stdout.readline()
        assert line, f"it ended with {process.wait()}"
        told += line
    url = json.loads(told)["url"]
    base, token = url.split("/?token=")
    return process, httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=20), url


def test_a_killed_server_loses_nothing_that_was_confirmed(study):
    process, client, url = started(study.folder)
    try:
        people = [join(client, name) for name in ("Ann", "Ben")]
        for me in people:
            go_through(client, me, 6)
        sounds = [client.get(me).json()["trial"]["sounds"][0] for me in people]
        confirmed, enough = [-1, -1], threading.Event()

        def rate(n):
            """0, 1, 2, ... until the server is gone."""
            for rating in range(101):
                try:
                    assert put(client, people[n], 6, sounds[n], rating).status_code == 200
                except httpx.HTTPError:
                    return rating
                confirmed[n] = rating
                if min(confirmed) >= 3:
                    enough.set()
            return 101

        with ThreadPoolExecutor(2) as pool:
            ends = [pool.submit(rate, n) for n in range(2)]
            assert enough.wait(30)
            os.kill(process.pid, signal.SIGKILL)
            sent = [end.result() for end in ends]
        process.wait()
        client.close()
        assert min(sent) < 101, "the server was to be killed in the midst of it"
        process, client, again = started(study.folder, url.split(":")[2].split("/")[0])
        assert again == url, "an open page must reach the new server"
        for n, me in enumerate(people):
            where = client.get(me).json()
            assert where["finished"] == 6 and confirmed[n] <= where["trial"]["answers"][sounds[n]] <= sent[n]
            assert go_through(client, me)["trial"] is None
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        client.close()
    finally:
        process.kill()
        process.communicate()
