import os
from pathlib import Path

import pytest
import torch

from reaper_aeq.errors import AeqError
from reaper_aeq.evaluation.personal import person_share, read_sessions, run_personal
from reaper_aeq.model.curves import N_GRID
from reaper_aeq.model.personal import PERSON_SHARE

DATA = Path(os.environ.get("AEQ_SHARED", Path(__file__).parents[3] / "shared")) / "data"


def people_of(between, within, people=200, each=8):
    generator = torch.Generator().manual_seed(3)
    means = between * torch.randn(people, 1, N_GRID, generator=generator, dtype=torch.float64)
    return list(means + within * torch.randn(people, each, N_GRID, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize("between, share", [(0.0, 0.0), (1.0, 0.5), (2.0, 0.8)])
def test_the_share_of_people_is_found_again(between, share):
    assert person_share(people_of(between, 1.0)) == pytest.approx(share, abs=0.03)


def test_data_without_persons_are_refused(tmp_path):
    text = (DATA / "safe_eq.csv").read_text() if DATA.is_dir() else pytest.skip("no data here")
    lines = [line for line in text.splitlines() if not line.split(",")[-2].strip().isdigit()]
    (tmp_path / "safe_eq.csv").write_text("\n".join(lines))
    with pytest.raises(AeqError, match="reveals no persons"):
        read_sessions(tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason="no data here")
def test_what_is_learned_of_a_person_brings_the_word_nearer():
    report = run_personal(DATA)
    for word, figures in report.items():
        assert figures["1 learned"]["gain_db"] > 0, word
        assert figures["3 learned"]["nearer_percent"] >= 10, word
        assert figures["3 learned"]["gain_db"] > 2 * figures["3 learned"]["se"], word
        assert figures["3 learned"]["gain_over_own_db"] > 0, word
    shares = [figures["how people differ"]["person_share"] for word, figures in report.items() if word != "all words"]
    assert sum(shares) / len(shares) == pytest.approx(PERSON_SHARE, abs=0.02)
