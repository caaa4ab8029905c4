"""The local backend: what the actions in REAPER and the dashboard ask."""
