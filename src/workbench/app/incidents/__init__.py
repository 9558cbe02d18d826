"""Incident reports put together: made by the control service when an incident closes, and from a shell."""
