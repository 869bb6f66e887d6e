"""Which tools there are, for whom, under which definitions and policies. Begin with `catalogue`."""
