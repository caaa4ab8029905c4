"""REAPER's files, its ReaEQ, its folders, and a REAPER that is running."""
