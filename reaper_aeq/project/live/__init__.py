"""The project that is open in REAPER: listen, compute, write all at once."""
