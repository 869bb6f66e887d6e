"""The one way out of a box: connections that arrive on the listener of one run."""
