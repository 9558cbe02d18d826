"""The control service put together: journal of people, roster, incidents, the loop that is asked, and addresses."""
