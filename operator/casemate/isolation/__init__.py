"""Proof that a pod's network is closed: a policy that is ignored looks like one that works."""
