"""One file a signal; importing this folder registers them all, in the order of the policy."""

from workbench.strategies.signals import conservative, moderate, aggressive, reversion  # isort: skip

__all__ = ["aggressive", "conservative", "moderate", "reversion"]
