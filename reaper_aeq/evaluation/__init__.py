"""Examinations: laws, repair tests, comparisons, listening studies."""
