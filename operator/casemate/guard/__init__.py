"""The guard: what a text asks for, decided by pure functions over a bundle with a digest."""
