"""Masked autoencoders: hide most of a picture, paint what is missing."""
