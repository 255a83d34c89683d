"""The durable, append-only log of one warden replica: files, commits, recovery, keys, space."""
