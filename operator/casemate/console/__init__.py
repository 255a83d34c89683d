"""The approvers' page: held requests, who decides about them, and what is proven of each model."""
