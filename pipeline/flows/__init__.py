"""Flows: lists of named steps, one screen each. Read aloud, the names are the runbook."""
