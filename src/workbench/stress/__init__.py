"""Stress: whether the book survives, and whether that is the controls or just less risk."""
