"""Pipelines: what is declared in ``pipelines/*.toml``, run as notebooks by papermill into one folder a date."""
