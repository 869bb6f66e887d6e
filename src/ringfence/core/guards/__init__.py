"""Pure detectors of runs that go in circles or spend far more than they did."""
