"""Who there is, who is on call, how they prove who they are, and what each of them may do."""
