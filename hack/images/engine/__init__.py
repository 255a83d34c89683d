"""The engine's server, installed into its image as ``casemate_engine``."""
