"""The compiled step: layout of its memory, and the rules of prices, readings, rungs and positions."""
