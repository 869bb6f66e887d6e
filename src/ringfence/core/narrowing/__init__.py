"""Less than before, never more: of a grant to a child, of a tool to an agent, of a credential to a call."""
