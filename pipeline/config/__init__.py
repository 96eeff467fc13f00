"""Inventories and playbooks: models, and YAML that remembers its line numbers."""
