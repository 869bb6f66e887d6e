"""How each client writes events and reads answers: one file a client."""
