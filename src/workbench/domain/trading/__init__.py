"""The trading vocabulary: modes, reasons, events, decisions, strategies, market time."""
