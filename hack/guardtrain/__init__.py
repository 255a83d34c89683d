"""Trains and measures the guard: `make train-guard`, `make eval-guard`."""
