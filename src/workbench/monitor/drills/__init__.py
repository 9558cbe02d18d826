"""What people see of drills: a table on the terminal, and a page."""
