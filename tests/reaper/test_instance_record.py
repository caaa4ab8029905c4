"""What is kept with an EQ of ours, and whether an FX still holds it."""

import json
from dataclasses import replace

import pytest

from reaper_aeq.eq import Band, Eq
from reaper_aeq.reaper.instance_record import InstanceRecord, Kept, dumps, loads

EQ = Eq((Band("low_shelf", 200.0, 3.0), Band("band", 900.0, -2.0, 1.5)), -0.5)


def record(**eq) -> InstanceRecord:
    """As it is read back, with more or other things in its EQ."""
    kept = Kept([InstanceRecord("{1}", "word", "AEQ: warm 100%", {"warm": 1.0}, EQ.to_dict() | eq)])
    (found,) = loads(dumps(kept, "{2}"), "{2}").records
    return found


def test_what_was_written_is_held():
    assert record().holds(EQ.bands) and record().computed == EQ
    assert record().holds((*EQ.bands, Band("band", 100.0, 1.0, enabled=False)))
    assert not record().holds((*EQ.bands, Band("band", 100.0, 1.0)))
    assert not record().holds(EQ.bands[:1]) and not record().holds((EQ.bands[0], None))
    assert not record().holds((EQ.bands[0], replace(EQ.bands[1], gain_db=-1.0)))


@pytest.mark.parametrize(
    "eq",
    [
        {"bands": [band | {"state": 8} for band in EQ.to_dict()["bands"]]},
        {"output_gain_db": "loud"},
        {"slope": 4},
    ],
)
def test_what_another_version_wrote_beside_the_bands_makes_them_no_other_bands(eq):
    """Records of 0.1 have at times `state` in their bands; the actions tell them apart all the same."""
    assert record(**eq).holds(EQ.bands)


LOW = EQ.to_dict()["bands"][0]


@pytest.mark.parametrize(
    "band", [{}, None, [1], LOW | {"kind": "tilt"}, LOW | {"freq_hz": 0}, LOW | {"gain_db": "3"}, LOW | {"gain_db": 90}]
)
def test_a_band_that_cannot_be_read_is_held_by_nothing(band):
    assert record(bands=[LOW]).holds(EQ.bands[:1]) and not record(bands=[band]).holds(EQ.bands[:1])


def test_what_is_read_is_written_again():
    kept = Kept([record()], group="g", more={"kind": "vocals"})
    assert json.loads(dumps(kept, "{2}")) == json.loads(dumps(loads(dumps(kept, "{2}"), "{2}"), "{2}"))
