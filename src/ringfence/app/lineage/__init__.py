"""Timelines for people: as text, and as one page that needs nothing else. From the document of `core.lineage` alone."""
