"""Permission lists as teams have them for their coding agents: deny over ask over allow."""
