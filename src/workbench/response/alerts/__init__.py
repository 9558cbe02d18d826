"""From an incident to the people: pages, the outbox, channels, messages, and the dispatcher that turns them."""
