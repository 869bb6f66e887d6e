"""Telling people: log and webhook."""
