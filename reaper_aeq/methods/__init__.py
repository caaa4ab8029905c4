"""The ways to turn a sound and a word into an EQ curve. Importing this loads no torch."""

METHODS = ("adaptive", "fixed")
DEFAULT_METHOD = "adaptive"
DEFAULT_ADAPTATION = 0.5
# How a reference is matched (`AdaptiveEQ.match`).
MATCHES = ("posterior", "ltas", "encoder")
DEFAULT_MATCH = "posterior"
