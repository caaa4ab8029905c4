"""The networks and tables that are trained, and how they are loaded. Importing this loads no torch."""

# Who says what balance is usual (`AdaptiveEQ.load`), and the name of its weights: one that knows kinds of sounds, and
# networks that know mixes only.
NETWORKS = {"cnn": "audio", "transformer": "audio_transformer"}
ENCODERS = {"kinds": "usual", **NETWORKS}
DEFAULT_ENCODER = "kinds"
