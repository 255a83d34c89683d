"""The API types: the only definition of the CRDs, their reference and the words of a refusal."""
