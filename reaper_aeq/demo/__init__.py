"""The song that `reaper-aeq demo` makes by its own code, and all that plays in it."""
