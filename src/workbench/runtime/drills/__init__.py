"""Drills of controls: each is fired on a paper account of its own, by the loop that also runs live, and timed."""
