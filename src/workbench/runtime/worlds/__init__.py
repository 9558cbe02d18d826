"""Worlds a loop can live in: where prices, days and calibrations come from."""
