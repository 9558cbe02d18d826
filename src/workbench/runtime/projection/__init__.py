"""What people are shown of the loop: one JSON object four times a second, and series of what it read before."""
