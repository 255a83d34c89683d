"""Upstream's own end-to-end suite, run against an enclave of ours."""
