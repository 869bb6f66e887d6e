"""Installing Ringfence in coding agents, and proving on the machine that it holds there."""
