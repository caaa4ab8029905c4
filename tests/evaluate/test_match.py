"""What the README says of matching, measured again on the team's recordings."""

import pytest

from reaper_aeq.evaluate.match import Found, run_match


def test_figures_of_a_way():
    found = Found([1.0, 2.0, 6.0], [0.1, 0.3, 0.2])
    assert found.summary() == {"trials": 3, "median_db": 2.0, "mean_db": 3.0, "tenth_worst_db": 5.2, "ms": 200.0}
    assert "ms" not in Found([1.0]).summary()


@pytest.mark.shared
@pytest.mark.slow
def test_an_eq_is_recovered_from_unseen_recordings(shared_dir):
    report = run_match(
        [shared_dir / "audio"], shared_dir / "data", learn=[shared_dir / "audio_more"], settings_per_mix=1
    )
    assert report["dry and wet"]["LTAS posterior"]["median_db"] <= 0.3
    for parts in ("the other half", "first and last third"):
        ways = {way: figures["median_db"] for way, figures in report[parts].items()}
        assert ways["LTAS posterior"] <= 2.0 < ways["nothing"]
        assert ways["LTAS posterior"] < ways["LTAS difference"]
        # the default is the better one
        assert ways["LTAS posterior"] <= 1.02 * min(ways["LTAS smoothed"], ways["encoder by gradient"])
