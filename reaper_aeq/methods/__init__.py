"""The ways to turn a sound and a word into an EQ curve, a folder each. Importing this loads no torch."""
