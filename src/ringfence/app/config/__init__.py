"""`ringfence.yaml`: read strictly, checked whole, turned into the snapshot that the engine decides with."""
