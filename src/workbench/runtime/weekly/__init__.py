"""The weekly run: from the grid to a strategy set that is adopted or refused."""
