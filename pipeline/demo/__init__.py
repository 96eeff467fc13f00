"""A small shop world on this machine: the demo, and the ground of the integration tests."""
