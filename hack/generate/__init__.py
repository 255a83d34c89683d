"""Writes what follows from the API types: the CRD, its copy in the chart, and the reference."""
