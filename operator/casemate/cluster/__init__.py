"""All calls to the Kubernetes API, and the memory of what it showed."""
