"""The risk monitor: a page that shows what the live loop shows, and how old that is."""
