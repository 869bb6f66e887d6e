"""What leaves a box's clone: which commits are accepted, which need a person, which are refused. Pure."""
