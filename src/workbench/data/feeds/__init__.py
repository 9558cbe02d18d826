"""Feeds: prices as they come in, guarded, supervised, with a backup."""
