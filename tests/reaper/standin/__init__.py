"""A stand-in for REAPER, strict enough to trust: README.md says how a test uses it."""

from . import (  # noqa: F401 - each brings its functions into the registry
    accessors,
    action_list,
    behavior,
    building,
    commands,
    envelopes,
    environment,
    eq_api,
    ext_state,
    fx_api,
    fx_config,
    fx_params,
    gfx,
    items,
    midi,
    process,
    project_api,
    regions,
    render_keys,
    takes,
    tracks,
    ui,
    undo,
)
from .behavior import Disputed, Preferences
from .errors import StandInError
from .reaper import Reaper

__all__ = ["Disputed", "Preferences", "Reaper", "StandInError"]
