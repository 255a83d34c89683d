"""Admission policies: what the API server refuses by itself, as data for the chart. Pure."""
