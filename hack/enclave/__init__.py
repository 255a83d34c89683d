"""The local enclave: a real Kubernetes node that is cut off from every network."""
