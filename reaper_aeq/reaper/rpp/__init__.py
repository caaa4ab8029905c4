"""REAPER project files, read and edited line by line."""
