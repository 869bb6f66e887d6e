"""Asking others over HTTP: the one piece of I/O that kinds of adapter share. Their codecs are in `adapters.wire`."""
