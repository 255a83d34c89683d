"""Programs for people and pipelines that need no cluster."""
