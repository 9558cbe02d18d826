"""What people look at: figures and reports; it shows, it cannot trade."""
