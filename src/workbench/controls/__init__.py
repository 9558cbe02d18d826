"""Controls: ladders, modes, stress score, market condition. Pure rules on numbers."""
