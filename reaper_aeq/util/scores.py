"""How scores are told: rounded to three digits once, so that texts, tables, JSON and pages show the same two."""

SCORE_DIGITS = 3


def rounded_score(score: float) -> float:
    """As JSON has it."""
    return round(score, SCORE_DIGITS)


def shown_score(score: float) -> str:
    """
    >>> shown_score(0.45496), shown_score(rounded_score(0.45496))
    ('0.46', '0.46')
    """
    return f"{rounded_score(score):.2f}"


def shown_change(before: float, after: float) -> str:
    """
    >>> shown_change(0.4, 0.61)
    '0.40 -> 0.61'
    """
    return f"{shown_score(before)} -> {shown_score(after)}"
