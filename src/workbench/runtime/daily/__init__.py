"""The daily run: what its notebooks call."""
