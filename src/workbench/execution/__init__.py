"""Orders on their way to a broker: limits, order life, the paper broker, reconciliation."""
