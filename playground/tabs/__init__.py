"""One module per technique, all the same shape: `build_tab()`, then small handlers."""
