"""The ledger: what a call costs on which meters, reserved before it is sent and settled after. Begin with `moves`."""
