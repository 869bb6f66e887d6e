"""Calls of an agent client's own tools: decided here, carried out by the client."""
