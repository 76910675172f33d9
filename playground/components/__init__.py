"""Pieces of page that several tabs use."""
