"""The project that is open in a running REAPER, through reapy: who is meant, what is heard, what is written.

Its rules are those of the actions in `reascripts/aeq` (reascripts/README.md). reapy is imported when a connection is
made and at no other time, for it looks for REAPER while it is imported and complains if it finds none.
"""

WEB_PORT = 2307  # of REAPER's web interface: reapy's own choice, which `live setup` writes into reaper.ini
