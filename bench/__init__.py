"""What Ringfence costs: the same calls directly, through it, and through its peers. `make bench`."""
