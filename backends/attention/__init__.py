"""Attention: the sum by hand, recall over a distance, and the heads of trained models."""
