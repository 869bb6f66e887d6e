"""The verifiable log: RFC 6962 tree, proofs, C2SP checkpoints. Pure."""
