"""The risk policy: every limit, table, deadline and role, validated, frozen and hashed."""

from workbench.domain.policy.table import Policy

__all__ = ["Policy"]
