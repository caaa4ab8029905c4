"""Mixing: items into tracks, folders into their parents, sends into their receivers, all into the master."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .errors import StandInError
from .handles import Item, Track
from .item_audio import item_audio, midi_notes, pan_gains
from .items import item_value
from .lanes import plays
from .plugins import run_chain
from .project import Project
from .track_values import children, parent, parents, value

BLOCK = 1024  # samples
LIVE_INPUT_HZ, LIVE_INPUT = 997.0, 0.2  # what comes in at every input


class Mix:
    """One rendering between two times. `items` limits what sounds, for renders of items via the master.

    Results are (samples, 2), float64. Where sends go in a circle, what returns does so one `BLOCK` later.
    """

    def __init__(
        self,
        project: Project,
        start_s: float,
        end_s: float,
        sample_rate: float,
        items: Iterable[Item] | None = None,
        solo: Track | None = None,
        take_fx: bool = True,
    ):
        self.project, self.start_s, self.sample_rate = project, start_s, sample_rate
        self.count = max(0, round((end_s - start_s) * sample_rate))
        self.items = None if items is None else set(items)
        self.solo, self.take_fx = solo, take_fx
        self._made: dict[Track, np.ndarray] = {}  # after FX
        self._making: set[Track] = set()
        self._returning: dict[Track, np.ndarray] = {}  # of the round before, where a circle begins
        self._heard = self._soloed()
        self._parents = parents(project)
        self._kids: dict[Track, list[Track]] = {track: [] for track in project.tracks}
        for track, above in self._parents.items():
            if above is not None:
                self._kids[above].append(track)

    def track(self, track: Track, pre_fader: bool = False) -> np.ndarray:
        """What leaves a track: items, folder children and receives through FX and (usually) fader and envelope.

        A child's sound is without what its folder does to it.
        """
        if track not in self._heard or value(track, "B_MUTE"):
            return np.zeros((self.count, 2))
        sound = self._sound(track)
        return sound if pre_fader else _fader(track, sound) * self._volume_envelope(track)[:, None]

    def master(self) -> np.ndarray:
        """Every track that sends to the master, through its FX and fader."""
        total = np.zeros((self.count, 2))
        for track in self.project.tracks:
            if self._parents[track] is None and value(track, "B_MAINSEND"):
                total += self.track(track)
        master = self.project.master
        if value(master, "B_MUTE"):
            return np.zeros((self.count, 2))
        return _fader(master, run_chain(master, total, self.sample_rate, self.start_s))

    def _sound(self, track: Track) -> np.ndarray:
        """A track after its FX. Circles are gone round until nothing changes, which each round makes true of a block
        more: FX look back only."""
        if track in self._made:
            return self._made[track]
        if track in self._making:
            return self._returned(track)
        begins, settled = not self._making, dict(self._made)
        while True:
            self._making.add(track)
            try:
                self._made[track] = self._after_fx(track)
            finally:
                self._making.remove(track)
            if not begins or not self._goes_on():
                return self._made[track]
            self._made = dict(settled)

    def _returned(self, track: Track) -> np.ndarray:
        if not self.project.root.number("FEEDBACK"):
            raise StandInError("not modeled", "sends in a circle in a project that does not allow feedback")
        return self._returning.setdefault(track, np.zeros((self.count, 2)))

    def _goes_on(self) -> bool:
        """Whether what returns is another than it was a round before."""
        late = {t: np.vstack([np.zeros((BLOCK, 2)), self._made[t]])[: self.count] for t in self._returning}
        before, self._returning = self._returning, late
        return any(not np.allclose(late[track], before[track], atol=1e-9) for track in late)

    def _after_fx(self, track: Track) -> np.ndarray:
        _refuse_envelopes(track)
        audio, notes = np.zeros((self.count, 2)), []
        for item in track.items:
            if self.items is None or item in self.items:
                self._place(audio, item)
                notes += midi_notes(item) if plays(item) else []
        if value(track, "I_RECARM") and value(track, "I_RECMON"):
            at_s = self.start_s + np.arange(self.count) / self.sample_rate
            audio += LIVE_INPUT * np.sin(2 * np.pi * LIVE_INPUT_HZ * at_s)[:, None]
        for child in self._kids[track]:
            if value(child, "B_MAINSEND"):
                audio += self.track(child)
        for received, mode, gain in _receives(track):
            if mode not in (0, 3):
                raise StandInError("not modeled", f"a send of mode {mode}")
            audio += gain * self.track(received, pre_fader=mode == 3)
        return run_chain(track, audio, self.sample_rate, self.start_s, notes)

    def _place(self, audio: np.ndarray, item: Item) -> None:
        first = round((item_value(item, "D_POSITION") - self.start_s) * self.sample_rate)
        last = first + round(item_value(item, "D_LENGTH") * self.sample_rate)
        if last <= 0 or first >= self.count or not plays(item) or self._is_silenced():
            return
        sound = item_audio(item, self.sample_rate, self.take_fx)
        sound = sound[max(0, -first) : self.count - first]
        audio[max(0, first) : max(0, first) + len(sound)] += sound

    def _is_silenced(self) -> bool:
        """Media of a minimized window is silent without a word on Windows, whatever else plays."""
        reaper = self.project.reaper
        return reaper.window == "minimized" and reaper.os_name.startswith("Win")

    def _volume_envelope(self, track: Track) -> np.ndarray:
        envelope = track.node.node("VOLENV2")
        points = [part.split() for part in envelope.body if part.split()[0] == "PT"] if envelope is not None else []
        if not points or not envelope.number("ACT"):
            return np.ones(self.count)
        times = self.start_s + np.arange(self.count) / self.sample_rate
        return np.interp(times, [float(point[1]) for point in points], [float(point[2]) for point in points])

    def _soloed(self) -> set[Track]:
        """The tracks that sound: all, or the soloed ones with what lies in them, above them and feeds them."""
        tracks = self.project.tracks
        chosen = [self.solo] if self.solo else [t for t in tracks if value(t, "I_SOLO")]
        if not chosen:
            return set(tracks)
        heard: set[Track] = set()
        for track in chosen:
            heard |= _inside(track)
            above = parent(track)
            while above is not None:
                heard.add(above)
                above = parent(above)
        return heard


def _refuse_envelopes(track: Track) -> None:
    """Only straight lines of the volume are followed; whatever else moves must not be there."""
    for envelope in track.node.nodes("VOLENV", "PANENV", "PANENV2", "WIDTHENV", "WIDTHENV2", "MUTEENV"):
        if envelope.number("ACT"):
            raise StandInError("not modeled", f"an envelope ({envelope.name})")
    volume = track.node.node("VOLENV2")
    if volume is not None and volume.number("VOLTYPE"):
        raise StandInError("not modeled", "a volume envelope with fader scaling")


def _inside(track: Track) -> set[Track]:
    found = {track}
    for child in children(track):
        found |= _inside(child)
    return found


def _receives(track: Track) -> list[tuple[Track, int, float]]:
    found = []
    for part in track.node.body:
        words = part.split() if isinstance(part, str) else []
        if words[:1] == ["AUXRECV"] and words[5] == "0":
            found.append((track.project.tracks[int(words[1])], int(words[2]), float(words[3])))
    return found


def _fader(track: Track, audio: np.ndarray) -> np.ndarray:
    pan, volume = value(track, "D_PAN"), value(track, "D_VOL")
    law = track.project.root.number("PANLAW", 0, 1.0)
    if pan and law != 1:
        raise StandInError("not modeled", f"panning with a pan law of {law:g}")
    left, right = pan_gains(pan)
    sign = -1 if value(track, "B_PHASE") else 1
    return audio * [sign * volume * left, sign * volume * right]
