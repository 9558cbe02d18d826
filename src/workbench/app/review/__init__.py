"""Incident review for notebooks: `open_review`, and what it refuses with."""

from workbench.app.review.views import ReviewRefusedError, open_review

__all__ = ["ReviewRefusedError", "open_review"]
