"""Where signed heads are kept besides the log: places that whoever holds the state cannot rewrite unseen."""
