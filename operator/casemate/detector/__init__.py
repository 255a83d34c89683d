"""The detector API for text (FMS, TrustyAI): as a client, as a server, and a test of either."""
