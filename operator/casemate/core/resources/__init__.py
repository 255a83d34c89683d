"""One file per rendered object. Builders return what we own of it, and nothing that we don't."""
