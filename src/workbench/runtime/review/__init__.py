"""Incident review: days and incidents of a journal, stepped again, and asked what another policy had done."""
