"""A fake keeps its port's promises in memory and can be told to fail at a named step."""
