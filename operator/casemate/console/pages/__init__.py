"""What the pages look like: pure functions from what was read to HTML."""
