"""Pure decisions: facts in, plan out. No client, clock, environment or logging in here."""
