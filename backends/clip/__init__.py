"""CLIP: pictures and their captions in one space, from pairs alone (Radford et al., 2021)."""
