"""Pure functions from arrays to plotly figures (plain dicts in plotly's schema)."""
