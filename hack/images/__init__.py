"""Container images, built without a daemon and reproducible byte for byte.

``python -m images build`` writes one OCI layout per image into the cache; ``push`` copies them to a
registry; ``digests`` prints the references that manifests pin.
"""
