"""The model meter's pure parts: what a request asks for, what it may cost at most, and what it did cost."""
