"""What happens by itself: on a timer, at a start, and for other logs."""
