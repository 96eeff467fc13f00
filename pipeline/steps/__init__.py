"""Functions that return a step of a flow."""
