"""What becomes durable: entries, the unit of work that they are written in, and the state that it changes."""
