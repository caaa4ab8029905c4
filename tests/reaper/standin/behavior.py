"""What may be otherwise from one REAPER to the next: the user's preferences, and what measurements disagree about."""

from __future__ import annotations

from dataclasses import dataclass, field

from .registry import api


@dataclass
class Preferences:
    """The user's settings that change what a script meets.

    Attributes:
        background_render: 42230 returns at once and the files grow in later cycles.
        render_speed: config variable `projrenderlimit`; 0 is full speed, all else plays in real time.
        offline_when_inactive: media goes offline while another program is in front (`offlineinact`).
        increment_names: `renderclosewhendone` bit 4; an existing target gets a number instead of a question.
        save_project_copy: a copy of the project is written beside each render (`<wav>.RPP`).
        language: "" is English; "zh" a language pack that translates REAPER's own parameters.
        sws, osara: whether these extensions are installed.
        eq_default: a ReaEqState that new ReaEQs begin with: the user's default preset. None: factory state.
        config: more variables, as `get_config_var_string` gives them.
    """

    background_render: bool = False
    render_speed: int = 0
    offline_when_inactive: bool = False
    increment_names: bool = False
    save_project_copy: bool = False
    language: str = ""
    sws: bool = False
    osara: bool = False
    eq_default: object = None
    config: dict[str, str] = field(default_factory=dict)

    def variable(self, name: str) -> str | None:
        known = {
            "projrenderlimit": str(self.render_speed),
            "offlineinact": str(int(self.offline_when_inactive)),
            "renderclosewhendone": str(8 + 16 * self.increment_names),
            "workrender": "8209" if self.background_render else "8193",
            **self.config,
        }
        return known.get(name)


@dataclass
class Disputed:
    """Where the measurements disagree or end; each field's first value is the likelier one.

    Attributes:
        source_2: RENDER_SETTINGS 2 alone gives one master "mix" (Linux), or "stems" (Windows, macOS).
        stems_without_items: a track without items gives its own sound ("track"), or the master "mix" without a word.
        custom_bounds: RENDER_STARTPOS and ENDPOS are "kept", or "ignored" when they are written.
        items_hold_take_fx: whether source 32 plays take FX.
        pre_fader: what bit 8192 does beside 3: "unknown" (an error), or "stems".
        container_moves: whether an FX that is moved to a place in a container gets there, or else to the chain's end.
        envelope_overrides: an active envelope takes its parameter back "later", when audio has passed, or "at once".
        retyped_lanes: the envelope of a band whose type, which is in its ident, has changed goes on ("alive"), or moves
            nothing any more ("dead", as the author of a converter says).
        locked_tracks: a script's writes to FX of a track whose controls are locked are "taken", or do nothing ("left").
        soloed_stems: the stem of a soloed track that has items is "silent" (measured of source 2), or "heard".
        open_project: Main_openProject "ends" all running scripts once the cycle is over (measured on macOS), or they
            "go on".
        tracknumber: whether `$tracknumber` is filled in; else the names are the same but for a number.
    """

    source_2: str = "mix"
    stems_without_items: str = "track"
    custom_bounds: str = "kept"
    items_hold_take_fx: bool = True
    pre_fader: str = "unknown"
    container_moves: bool = True
    envelope_overrides: str = "later"
    retyped_lanes: str = "alive"
    locked_tracks: str = "taken"
    soloed_stems: str = "silent"
    open_project: str = "ends"
    tracknumber: bool = True


@api
def get_config_var_string(reaper, name):
    value = reaper.preferences.variable(name)
    return value is not None, value or ""


@api
def GetGlobalAutomationOverride(reaper):
    """-1: no override; else a mode as of I_AUTOMODE, 6 is bypass."""
    return reaper.automation_override
