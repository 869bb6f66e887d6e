"""Secrets: fetched by reference, put in behind the decision, masked wherever they could come out."""
