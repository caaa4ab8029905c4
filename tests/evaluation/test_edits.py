"""The examination's edits do to sound what they say."""

import pytest
import torch

from reaper_aeq.dsp.spectrum import GRID_HZ, analyze_blocks
from reaper_aeq.dsp.virtual_eq import equalized
from reaper_aeq.evaluation.edits import PUBLISHED, band_energy_ratio
from reaper_aeq.evaluation.law import eq_of
from reaper_aeq.model.curves import COMPARED, rms_db
from reaper_aeq.training.datasets.sources import shaped_noise

RATE = 48_000
NOISE = shaped_noise(torch.zeros(59, dtype=torch.float64), 4.0, RATE, torch.Generator().manual_seed(1), 3.0, 0.5)


@pytest.mark.parametrize("edit", PUBLISHED, ids=lambda edit: edit.word)
def test_an_edit_takes_its_band_out_or_lifts_it(edit):
    ltas = analyze_blocks([NOISE], RATE).ltas_db()
    before, after = (band_energy_ratio(x, edit.low_hz, edit.high_hz) for x in (ltas, ltas + edit.curve(edit.gross_db)))
    assert (after < before) == (edit.gross_db < 0)
    assert float(edit.curve(edit.gross_db).abs().max()) == pytest.approx(abs(edit.gross_db), abs=1.0)


def test_an_eq_on_the_analysis_is_the_analysis_of_the_eq():
    """What the repair tests rest on: band powers times a response equal real filtering."""
    eq = eq_of(PUBLISHED[0].curve(-10.0))
    response = torch.from_numpy(eq.response_db(GRID_HZ, RATE))
    thought = equalized(analyze_blocks([NOISE], RATE), response).ltas_db()
    real = analyze_blocks([eq.apply(NOISE, RATE)], RATE).ltas_db()
    assert float(rms_db(thought - real)) < 0.15
    assert float((thought - real)[COMPARED].abs().max()) < 0.6
