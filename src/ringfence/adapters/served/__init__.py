"""What enforcement points share about being asked over HTTP: reading a head and a body within bounds."""
