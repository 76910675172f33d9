"""Recorded runs: what a training of this project looked like, small enough to be played while the live one starts.

Made by `python -m backends.recordings NAME ...` (without a name: all), one after another, by the trainers that the page
has too. A recording holds its curves, for pictures a few frames, and a card: settings, seed, seconds, steps, versions.
"""
