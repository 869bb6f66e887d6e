"""Ringfence: the boundary that an agent cannot talk its way past."""
