"""The guard: what a text asks for, judged against the red lines. Pure: no I/O, clock or logging."""
