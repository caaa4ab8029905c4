"""Sound in and out, and everything that is computed from it without knowing words or models."""
