"""What an operator runs: configuration, wiring, command line, control API, console."""
