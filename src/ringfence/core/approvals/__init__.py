"""Approvals: the life of a ticket, and the card that a person judges by."""
