"""What happens to the log besides writing it: signed heads, witnesses, anchors, forwarding, retention."""
