"""The ways to turn a sound and a word into an EQ curve. Importing this loads no torch."""

METHODS = ("adaptive", "fixed")
DEFAULT_METHOD = "adaptive"
DEFAULT_ADAPTATION = 0.5
# The network inside the audio encoder (`AdaptiveEQ.load`), and the name of its weights.
ENCODERS = {"cnn": "audio", "transformer": "audio_transformer"}
DEFAULT_ENCODER = "cnn"
# How a reference is matched (`AdaptiveEQ.match`).
MATCHES = ("posterior", "ltas", "encoder")
DEFAULT_MATCH = "posterior"
