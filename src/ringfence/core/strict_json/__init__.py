"""JSON that has one meaning: parsed strictly (RFC 8259), written canonically (RFC 8785)."""
