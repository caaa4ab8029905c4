"""The ways to turn a sound and a word into an EQ curve. Importing this loads no torch."""

METHODS = ("adaptive", "fixed", "cvae", "refine", "proxy")
DRAWS = "cvae"  # the method that variations come from
DEFAULT_METHOD = "adaptive"
REFINE_STEPS = {"refine": 50}  # gradient steps where none are asked for; other methods take none
DEFAULT_ADAPTATION = 0.5
# How a reference is matched (`AdaptiveEQ.match`).
MATCHES = ("posterior", "ltas", "encoder")
DEFAULT_MATCH = "posterior"
