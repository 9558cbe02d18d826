"""Portfolio: how large a position may be."""
