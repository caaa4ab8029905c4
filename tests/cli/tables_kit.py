"""Data sets of one row each."""

from reaper_aeq.training.datasets.tables import COLUMNS


def table(name: str) -> str:
    """One row of a data set that is as it should be."""
    columns, between = COLUMNS[name], "\t" if name.endswith(".tsv") else ","
    numbers = [*columns.numbers, *(f"{columns.bands}{hz}" for hz in (20, 50) if columns.bands)]
    return f"{between.join([*columns.text, *numbers])}\n{between.join([*columns.text, *'1' * len(numbers)])}\n"
