"""The report of an incident as a page: one file, without script, every text escaped."""
