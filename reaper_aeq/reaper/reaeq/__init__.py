"""ReaEQ instances: their state, units, presets and text."""
