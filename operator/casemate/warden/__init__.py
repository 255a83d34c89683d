"""The warden: answers where policies allow it, and listens where none does."""
