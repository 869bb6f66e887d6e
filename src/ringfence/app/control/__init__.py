"""The control plane: where people see, decide and stop. A REST API and one plain page; agents are never served here."""
