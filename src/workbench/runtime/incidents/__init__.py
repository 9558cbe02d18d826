"""What the two journals say of one incident: of people and of the loop, put together for a report."""
