"""The API types: the only definition of the CRDs, the reference docs and the messages of refusal."""
