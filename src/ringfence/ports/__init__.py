"""What the engine needs from the world: Protocols, one small file each."""
