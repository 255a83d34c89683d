"""Alerts, recording rules and the dashboard: pure data, for `make generate` to write out."""
