"""The one error a user of the enclave program is meant to read."""


class EnclaveError(Exception):
    """Something a person can act on: the message says what was found and what to do."""
