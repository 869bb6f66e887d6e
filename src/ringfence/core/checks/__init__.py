"""One rule a file, each a pure function from (Call, Facts) to a Verdict. `core.decision` joins them."""
