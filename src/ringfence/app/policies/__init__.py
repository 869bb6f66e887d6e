"""Policies tried out beside the gateway: against cases, one call, or the log. Nothing is sent, nothing recorded."""
