"""What charts say becomes words: sources count once, disagreement is spread, kinds and two sides are kept apart."""

from __future__ import annotations

import math

import pytest
import torch

from reaper_aeq.errors import AeqError
from reaper_aeq.model.curves import COMPARED, GRID, center, rms_db
from reaper_aeq.training.charts import LEAST_SOURCES, charted_words, scale_to_people
from reaper_aeq.training.datasets.eq_terms import Statement, has_charts, read_charts, same_sources, weighted_median


def said(source: int, low: float, high: float, term="nasal", kind="mix", sign=1, fault=True, gain=None, counts=1.0):
    return Statement(term, kind, low, high, sign, fault, gain, source, counts)


def peak_hz(curve: torch.Tensor) -> float:
    return float(GRID[curve.argmax()])


def width_oct(curve: torch.Tensor) -> float:
    """Octaves over which a curve reaches half of its peak."""
    flat = curve - curve[COMPARED].median()
    return float((flat > 0.5 * flat.max()).sum()) / 6


def test_a_range_becomes_a_setting_that_peaks_in_it_and_is_as_large_as_charts_say():
    word = charted_words([said(n, 800, 1200, gain=4.0) for n in range(6)])["nasal"]
    assert word.sources == 6 and 800 <= peak_hz(word.curve.mean) <= 1200
    assert float(word.curve.mean.max() - word.curve.mean.min()) == pytest.approx(4.0, abs=0.2)
    assert word.curve.agreement == pytest.approx(1.0) and word.curve.sides[0] == pytest.approx((800, 1200, 1))
    torch.testing.assert_close(word.curve.mean, center(word.curve.mean))


def test_fewer_sources_define_nothing_and_one_that_says_it_often_is_one():
    few = [said(n, 800, 1200) for n in range(LEAST_SOURCES - 1)]
    assert charted_words(few) == {} == charted_words([*few, *[said(0, 300, 400)] * 20])
    loud = charted_words([*[said(n, 800, 1200) for n in range(6)], *[said(6, 200, 300)] * 50])["nasal"]
    assert 800 <= peak_hz(loud.curve.mean) <= 1200 and loud.sources == 7


def test_charts_that_disagree_leave_more_open_and_agree_less():
    one = charted_words([said(n, 800, 1200) for n in range(6)])["nasal"].curve
    many = charted_words([said(n, 800 * 2 ** (n - 3), 1200 * 2 ** (n - 3)) for n in range(6)])["nasal"].curve
    assert float(many.cov.trace()) > 2 * float(one.cov.trace()) and many.agreement < 0.6 < one.agreement
    # where they disagree about how much only, that is all that is left open
    values = torch.linalg.eigvalsh(one.cov)
    assert float(values[-1] / values.sum()) > 0.99


def test_faults_are_narrower_than_qualities():
    fault = charted_words([said(n, 800, 1200) for n in range(6)])["nasal"].curve.mean
    quality = charted_words([said(n, 800, 1200, fault=False) for n in range(6)])["nasal"].curve.mean
    assert width_oct(fault) < width_oct(quality)


@pytest.mark.parametrize(("low", "high", "at"), [(20, 80, GRID[0]), (10_000, 20_000, GRID[-1])])
def test_an_open_range_is_a_shelf(low, high, at):
    curve = charted_words([said(n, low, high) for n in range(6)])["nasal"].curve.mean
    assert peak_hz(curve) == pytest.approx(float(at), rel=0.3)
    middle = curve[(GRID > 500) & (GRID < 2000)]
    assert float(middle.max() - middle.min()) < 0.2


def test_a_lack_turns_the_curve_round_and_two_sides_make_a_shape():
    far = charted_words([said(n, 4000, 6000, sign=-1, fault=False) for n in range(6)])["nasal"].curve
    assert 4000 <= peak_hz(-far.mean) <= 6000 and far.sides[0][2] == -1
    dull = charted_words([said(n, 7000, 9000, sign=-1, fault=False) for n in range(6)])["nasal"].curve
    assert peak_hz(-dull.mean) > 9000  # whoever lacks treble lacks all of it
    both = [said(n, 200, 300) for n in range(4)] + [said(n + 4, 5000, 9000, sign=-1, fault=False) for n in range(3)]
    shape = charted_words(both)["nasal"].curve
    assert [side[2] for side in shape.sides] == [1, -1]
    assert 200 <= peak_hz(shape.mean) <= 300 and 5000 <= peak_hz(-shape.mean) <= 9000
    # one voice among many is no second side
    alone = [said(n, 200, 300) for n in range(9)] + [said(9, 5000, 9000, sign=-1)]
    assert len(charted_words(alone)["nasal"].curve.sides) == 1


def test_a_kind_has_a_curve_of_its_own_where_charts_put_it_elsewhere():
    rows = [said(n, 2500, 4000) for n in range(6)]
    rows += [said(n, 700, 900, kind="bass") for n in range(6, 10)]
    rows += [said(n, 2500, 3900, kind="vocals") for n in range(10, 14)]
    rows += [said(20, 9000, 9500, kind="keys")]
    word = charted_words(rows)["nasal"]
    assert list(word.by_kind) == ["bass"]
    assert 700 <= peak_hz(word.by_kind["bass"].mean) <= 900 and 2500 <= peak_hz(word.curve.mean) <= 4000


def test_pages_count_more_than_texts_in_repositories():
    rows = [said(n, 100, 200) for n in range(4)] + [said(n, 800, 1200, counts=0.5) for n in range(4, 11)]
    assert 100 <= peak_hz(charted_words(rows)["nasal"].curve.mean) <= 200
    equal = [said(n, 100, 200) for n in range(4)] + [said(n, 800, 1200) for n in range(4, 11)]
    assert 800 <= peak_hz(charted_words(equal)["nasal"].curve.mean) <= 1200


def test_however_many_sources_there_are_they_are_worth_a_few_settings():
    few, many = (charted_words([said(n, 800, 1200) for n in range(k)])["nasal"].curve.worth for k in (5, 200))
    assert 2 < few < many < 7


def test_sources_that_repeat_one_another_are_one():
    chart = [("muddy", "mix", str(100 * n), str(200 * n)) for n in range(1, 9)]
    rows = [("a", row) for row in chart] + [("b", row) for row in chart[:6]] + [("c", row) for row in chart[5:6]]
    rows += [("d", ("boxy", "mix", str(n), str(n))) for n in range(8)]
    groups = same_sources(rows)
    assert groups["a"] == groups["b"] and len({groups[name] for name in "acd"}) == 3
    assert same_sources(reversed(rows)) == groups, "numbers do not hang on the order, which a set has by chance"


def test_the_scale_is_what_people_do_where_both_have_the_word():
    charts = charted_words([said(n, 800, 1200) for n in range(6)])
    assert scale_to_people(charts, {"nasal": 1.3 * charts["nasal"].curve.mean}) == pytest.approx(1.3)
    assert scale_to_people(charts, {"nasal": 9 * charts["nasal"].curve.mean}) == 1.5
    assert scale_to_people(charts, {}) == 1.0 == scale_to_people(charts, {"nasal": -2 * charts["nasal"].curve.mean})
    twice = charts["nasal"].scaled(2.0).curve
    torch.testing.assert_close(twice.cov, 4 * charts["nasal"].curve.cov)


def test_a_weighted_median():
    values = torch.tensor([1.0, 5.0, 3.0])
    assert weighted_median(values, torch.ones(3)) == 3.0
    assert weighted_median(values, torch.tensor([1.0, 5.0, 1.0])) == 5.0
    assert weighted_median(values[:2], torch.ones(2)) == 3.0
    assert weighted_median(values[:1], torch.ones(1)) == 1.0


TERMS = "term\tcanonical\tinstrument\tlow_hz\thigh_hz\teffect\tgain_db\tkind\tsource_title\tsource_ref"
SOURCES = "source_ref\tsource_title\tclass\tn_rows\tn_terms"


def write_charts(folder) -> None:
    rows = [f"honk\thonky\tsnare\t500\t900\texcess\t3\tbell\tt\tref{n}" for n in range(5)]
    rows += [f"weak\tthin\todd thing\t100\t200\tlack\t\tbell\tt\tref{n}" for n in range(5)]
    (folder / "eq_terms.tsv").write_text("\n".join([TERMS, *rows]) + "\n")
    sources = [f"ref{n}\tt\t{'page' if n < 2 else 'repository'}\t2\t2" for n in range(5)]
    (folder / "eq_terms_sources.tsv").write_text("\n".join([SOURCES, *sources]) + "\n")


def test_charts_are_read(tmp_path):
    assert not has_charts(tmp_path)
    write_charts(tmp_path)
    rows = read_charts(tmp_path)
    assert has_charts(tmp_path) and len(rows) == 10 and {row.term for row in rows} == {"honky", "thin"}
    first, last = rows[0], rows[-1]
    assert (first.kind, first.sign, first.fault, first.gain_db, first.counts) == ("drums", 1, True, 3.0, 1.0)
    assert (last.kind, last.sign, last.fault, last.gain_db, last.counts) == ("mix", -1, False, None, 0.5)
    (tmp_path / "eq_terms_sources.tsv").unlink()
    with pytest.raises(AeqError, match=r"cannot read the data set .*eq_terms_sources\.tsv"):
        read_charts(tmp_path)


@pytest.mark.parametrize(
    ("was", "now"),
    [("500\t900", "0\t900"), ("500\t900", "900\t500"), ("excess", "too much"),
     ("\t3\t", "\tsome\t"), ("\t3\t", "\tinf\t"), ("500\t900", "low\t900")],
)  # fmt: skip
def test_a_line_that_says_nothing_is_named(tmp_path, was, now):
    write_charts(tmp_path)
    table = tmp_path / "eq_terms.tsv"
    table.write_text(table.read_text().replace(was, now, 1))
    with pytest.raises(AeqError, match="line 2"):
        read_charts(tmp_path)


@pytest.mark.shared
def test_the_published_charts(shared_dir):
    words = charted_words(read_charts(shared_dir / "data"))
    assert len(words) == 59 and words["muddy"].sources > 60
    for name, word in words.items():
        assert 0 <= word.curve.agreement <= 1 and math.isfinite(float(word.curve.cov.sum())), name
        assert 0.2 < float(rms_db(word.curve.mean)) < 2.0, name
    assert {"bass", "drums"} <= set(words["presence"].by_kind)
    assert len(words["muffled"].curve.sides) == len(words["hollow"].curve.sides) == 2
