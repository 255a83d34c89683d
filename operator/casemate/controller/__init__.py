"""The shell: kopf watches, one work queue decides when to look, everything else is called."""
