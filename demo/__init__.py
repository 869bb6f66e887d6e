"""`make demo`: a support agent at work, hijacked half-way, and contained."""
