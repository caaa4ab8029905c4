"""The actions in REAPER's folders, and out of them again."""
