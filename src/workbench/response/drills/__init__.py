"""Drills: what was tried when, what is overdue, channels and people tried in earnest."""
