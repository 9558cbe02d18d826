"""The control service: the doors through which people look at the loop and ask things of it, and the phone page."""
