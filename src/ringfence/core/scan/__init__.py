"""What stands in texts that a server wrote: words for a model, characters that nobody sees, credentials. Pure."""
