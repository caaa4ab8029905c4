"""A user's own words, brought to words that people's settings define."""
