"""Live, replay and daily runs: the only room that knows when things happen."""
