"""Kill, pause and disable, by people or by the gateway itself."""
