"""Where entries are sent as they are written: SIEMs."""
