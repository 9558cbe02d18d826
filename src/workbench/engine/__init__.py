"""The risk engine: one step for live, replay and simulation."""
