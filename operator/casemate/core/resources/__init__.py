"""core/resources."""
