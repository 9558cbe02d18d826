"""The journal: everything that happened, in order, on the disk before anybody acts on it."""
