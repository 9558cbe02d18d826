"""Drills put together: paper accounts in a scratch folder, channels, the control service, record and report."""
