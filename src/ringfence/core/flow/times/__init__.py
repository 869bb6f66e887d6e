"""Days and times as people write and say them. Pure."""
