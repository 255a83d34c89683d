"""Evidence: what a transparency log's bytes are, and how they are checked. Pure."""
