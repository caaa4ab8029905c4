"""What is learned: words, sounds, and the space of EQs that both meet in. Importing this loads no torch."""

# Who says what balance is usual (`AdaptiveEQ.load`), and the name of its weights: one that knows kinds of sounds, and
# networks that know mixes only.
NETWORKS = {"cnn": "audio", "transformer": "audio_transformer"}
ENCODERS = {"kinds": "usual", **NETWORKS}
DEFAULT_ENCODER = "kinds"
