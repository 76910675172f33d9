"""Data that works offline, each with its licence and source, and the doors through which visitors bring theirs."""
