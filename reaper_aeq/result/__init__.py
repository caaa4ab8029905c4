"""From a curve to bands that are safe for the sound, and all that is said of them."""
