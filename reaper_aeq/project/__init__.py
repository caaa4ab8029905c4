"""Whole projects: the sound of their tracks from the project file alone, a plan, and a report."""

NOTHING_PLAYS = "the project holds no media items that play: there is nothing to listen to"
