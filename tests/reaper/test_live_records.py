"""EQs of ours are known again by the GUID of their FX, in `live` as in the actions, and by what they hold."""

from __future__ import annotations

import json
import re

import pytest
from live_kit import ours
from standin.example import ItemSpec, TrackSpec, reaeq
from test_live import THEIRS

from reaper_aeq.eq import Band, Eq


def vox(studio, **more):
    return studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("vox", -5.0), selected=True)], **more)])


def kept(studio, track: int = 0) -> dict:
    """What is kept beside a track."""

    def read(session, track):
        from standin.registry import FUNCTIONS

        reaper = session.reaper
        track = reaper.project.tracks[track]
        return FUNCTIONS["GetSetMediaTrackInfo_String"](reaper, track, "P_EXT:reaper-aeq", "", False)[1]

    text = studio.host.do(read, track)
    return json.loads(text) if text else {}


def names(studio, track: int = 0) -> list[str]:
    def read(session, track):
        from standin.fx_chain import fx_list

        return [fx.renamed for fx in fx_list(session.reaper.project.tracks[track])]

    return studio.host.do(read, track)


def rename(session, name):
    from standin.fx_chain import fx_list

    with session.reaper.as_user() as project:
        fx_list(project.tracks[0])[0].rename(name)


def copy_track(session):
    """As a user copies a track: all GUIDs are new; REAPER does not look into what is kept beside the track."""
    from standin.fx_chain import new_guid
    from standin.tree import parse_lines

    fresh: dict[str, str] = {}
    guid = re.compile(r"\{[0-9A-F-]{36}\}")
    with session.reaper.as_user() as project:
        lines = [
            line if "reaper-aeq" in line else guid.sub(lambda match: fresh.setdefault(match[0], new_guid()), line)
            for line in project.tracks[0].node.lines()
        ]
        project.root.body.append(parse_lines(lines))
        project.reindex()
        project.touch()


def test_what_is_kept_is_what_the_actions_keep(studio, live):
    before = studio.open([TrackSpec("Vox", [ItemSpec(studio.noise("thin vox", -3.0), selected=True)])])
    live("warm 0.7, airy 0.5", "--selected")
    found = kept(studio)
    guid = studio.host.do(lambda session: session.reaper.project.tracks[0].guid)
    assert (found["version"], found["track"]) == (1, guid)
    (record,) = found["eqs"]
    assert (record["family"], record["name"]) == ("word", "AEQ: warm 70% + airy 50%")
    assert record["blend"] == [{"word": "warm", "weight": 0.7}, {"word": "airy", "weight": 0.5}]
    ((_, held),) = ours(studio.host.bytes())["Vox"]
    assert len(record["eq"]["bands"]) <= len(held.bands)
    assert set(record["eq"]["bands"][0]) == {"kind", "freq_hz", "gain_db", "bandwidth_oct", "enabled"}
    studio.host.undo()
    assert studio.host.bytes() == before


def test_an_instance_that_the_user_renamed_is_replaced_and_keeps_the_name(studio, live):
    vox(studio, fx=[])
    live("warm", "--selected")
    studio.host.do(rename, "my sweet EQ")
    live("airy", "--selected", "--intensity", 0.5)
    assert names(studio) == ["my sweet EQ"]
    assert [(part["word"], part["weight"]) for part in kept(studio)["eqs"][0]["blend"]] == [
        ("warm", 1.0),
        ("airy", 0.5),
    ]
    assert [row["instance"] for row in live("remove", "--selected")["removed"]] == ["my sweet EQ"]
    assert names(studio) == [] and kept(studio) == {}


def test_an_instance_of_a_copied_track_is_adopted_and_the_original_is_left_alone(studio, live):
    vox(studio, fx=[])
    live("warm", "--selected")
    studio.host.do(rename, "mine")
    first = kept(studio)
    studio.host.do(copy_track)
    studio.host.do(lambda session: rename_last(session, "AEQ: warm 100%"))
    live("bright", "--selected")
    assert names(studio, 0) == ["mine"] and names(studio, 1) == ["AEQ: warm 100% + bright 100%"]
    guids = [record["fx"] for n in (0, 1) for record in kept(studio, n)["eqs"]]
    assert len(guids) == len(set(guids)) == 2 and guids[0] == first["eqs"][0]["fx"]


def rename_last(session, name):
    from standin.fx_chain import fx_list

    with session.reaper.as_user() as project:
        fx_list(project.tracks[-1])[0].rename(name)


def test_a_reaeq_of_the_users_own_is_never_taken_for_ours(studio, live):
    vox(studio, fx=[reaeq(THEIRS, "my EQ")])
    live("warm", "--selected")
    live("remove", "--selected")
    assert names(studio) == ["my EQ"]


def test_an_instance_of_version_0_1_has_only_its_name(studio, live):
    vox(studio, fx=[reaeq(Eq((Band("band", 1000.0, 3.0),)), "AEQ: warm 30%")])
    live("airy", "--selected")
    assert names(studio) == ["AEQ: warm 30% + airy 100%"]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        '{"version": 2, "eqs": []}',
        '{"version": 1, "eqs": [{"fx": 3}]}',
        "[" * 100_000,
        '{"version": 1}',
    ],
)
def test_junk_beside_a_track_counts_as_nothing(studio, live, text):
    vox(studio, fx=[reaeq(Eq((Band("band", 1000.0, 3.0),)), "AEQ: warm 30%")])

    def write(session, text):
        from standin.registry import FUNCTIONS

        with session.reaper.as_user() as project:
            FUNCTIONS["GetSetMediaTrackInfo_String"](session.reaper, project.tracks[0], "P_EXT:reaper-aeq", text, True)

    studio.host.do(write, text)
    live("airy", "--selected")
    assert names(studio) == ["AEQ: warm 30% + airy 100%"]
    assert [record["name"] for record in kept(studio)["eqs"]] == ["AEQ: warm 30% + airy 100%"]
