"""The replicated state: a pure function of the log entries applied so far."""
