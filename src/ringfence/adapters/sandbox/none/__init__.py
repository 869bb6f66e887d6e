"""No box at all: `--unsafe-no-sandbox`."""
