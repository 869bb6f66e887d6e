"""The messages proxy: models behind the gateway."""
