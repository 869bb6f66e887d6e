"""What a model behind the gateway costs, against asking it directly: `python -m bench.model`."""
