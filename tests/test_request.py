"""Words, blends and names: what is understood, and that a mistake says what to write instead."""

import pytest

from reaper_aeq.errors import AeqError, RangeError
from reaper_aeq.reaper.reaeq.names import instance_name
from reaper_aeq.request import check_range, parse_word


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("warm", "warm"),
        ("  less   muddy ", "less muddy"),
        ("no reverb", "no reverb"),
        ("warm 0.7, airy 0.3", {"warm": 0.7, "airy": 0.3}),
        ("warm 0.7,airy .3,", None),
        ("warm 70% + less muddy 30%", {"warm": 0.7, "less muddy": 0.3}),
        ("warm 1", {"warm": 1.0}),
        ("warm -0.5, airy +2", {"warm": -0.5, "airy": 2.0}),
        ("warm 70 %, airy 30 %", {"warm": 0.7, "airy": 0.3}),
        ("warm: 70%, less muddy = .3", {"warm": 0.7, "less muddy": 0.3}),
        ("warm 0, airy 0.3", {"warm": 0.0, "airy": 0.3}),
        ("808 kick 0.5", {"808 kick": 0.5}),
        ("like an 808 in a barn", "like an 808 in a barn"),
        ("80s radio", "80s radio"),
        ("warm: like a banana", "warm: like a banana"),
    ],
)
def test_what_is_understood(text, request_):
    if request_ is None:
        with pytest.raises(AeqError):
            parse_word(text)
    else:
        assert parse_word(text) == request_


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no word given"),
        ("   ", "no word given"),
        ("warm, airy 0.3", "'warm' has no weight"),
        ("warm 0.7, airy", "'airy' has no weight"),
        ("warm 0.7, , airy 0.3", "a part of it is empty"),
        ("warm 0,7, airy 0,3", "the weight 7 has no word (decimals are written with a point)"),
        ("warm 0.7, warm 0.3", "'warm' occurs twice"),
        ("0.7", "the weight 0.7 has no word"),
        ("warm 0.7 + airy nan", "'airy nan' has no weight"),
        ("warm 1e3, airy 1", "'warm 1e3' has no weight"),
        ("warm 0.6 airy 0.3", "'warm 0.6 airy 0.3' holds two weights: put a comma between two words"),
        ("warm 60% airy 30%", "holds two weights"),
        ("warm nan", "'warm nan' has no weight"),
        ("warm -inf", "'warm -inf' has no weight"),
        ("warm 1e-1", "'warm 1e-1' has no weight"),
        ("warm*0.7", "'warm*0.7' has no weight"),
        ("0.7 warm", "'0.7 warm' has no weight"),
        ("70% warm, 30% airy", "'70% warm' has no weight"),
        ("warm 0", "'warm 0' asks for nothing"),
        ("warm 0, airy -0%", "asks for nothing"),
    ],
)
def test_a_malformed_blend_says_what_is_wrong_and_what_to_write(text, reason):
    with pytest.raises(AeqError) as caught:
        parse_word(text)
    sentence = str(caught.value)
    assert reason in sentence and "write it like 'warm 0.7, airy 0.3'" in sentence and "\n" not in sentence


def test_weights_have_the_range_of_intensity():
    with pytest.raises(RangeError, match="the weight of 'airy' must lie between -2 and 2, not 3"):
        parse_word("warm 1, airy 300%")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2.01, -2.01])
def test_numbers_out_of_range_are_refused(value):
    with pytest.raises(RangeError, match="intensity must lie between -2 and 2"):
        check_range("intensity", value)


@pytest.mark.parametrize(
    ("request_", "intensity", "name"),
    [
        ("warm", 0.7, "AEQ: warm 70%"),
        ("warm", 1.0, "AEQ: warm 100%"),
        ("warm", -0.5, "AEQ: warm -50%"),
        ("less muddy", 1.0, "AEQ: less muddy 100%"),
        ({"warm": 0.7, "airy": 0.3}, 1.0, "AEQ: warm 70% + airy 30%"),
        ({"warm": 0.7, "airy": 0.3}, 0.5, "AEQ: warm 35% + airy 15%"),
        ("warm", -0.001, "AEQ: warm 0%"),
    ],
)
def test_names(request_, intensity, name):
    assert instance_name(request_, intensity) == name


def test_the_name_of_an_eq_that_was_turned_down_to_nothing_is_read():
    assert parse_word("warm 0%", all_zero=True) == {"warm": 0.0}


def test_a_name_is_understood_as_a_request():
    blend = {"warm": 0.7, "less muddy": 0.3}
    assert parse_word(instance_name(blend, 1.0).removeprefix("AEQ: ")) == blend


def test_names_are_spelled_as_the_vocabulary_spells_them():
    assert instance_name("Brighter", 1.0, {"Brighter": "bright"}.__getitem__) == "AEQ: bright 100%"
