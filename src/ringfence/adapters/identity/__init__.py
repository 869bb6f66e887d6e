"""Who is outside: proofs of keys, tokens of issuers, certificates."""
