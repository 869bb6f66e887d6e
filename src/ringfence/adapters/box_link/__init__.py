"""The line between a box's supervisor and the gateway: a unix socket of the gateway's, JSON lines, and one descriptor."""
