"""Whole projects: the sound of their tracks from the project file alone, a plan, and a report. Floor 5."""
