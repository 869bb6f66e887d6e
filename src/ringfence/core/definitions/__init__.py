"""What a tool's definition says of it, and what of that counts: pins, roles of arguments, evidence, doubts."""
