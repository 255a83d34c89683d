"""NetworkPolicy enforcement for a single node, on nftables.

``compile`` turns a snapshot of pods, namespaces and policies into a ``Ruleset``, ``render`` turns
that into nft's language; both are pure. ``watch``, ``registry``, ``enforcer`` and ``server`` are
the shell around them, ``cni_plugin`` the small program that container runtimes call.
"""
