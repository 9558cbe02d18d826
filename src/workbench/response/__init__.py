"""What people are told and what they may do: alerts, incidents, authority."""
