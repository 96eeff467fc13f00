"""Hosts and the commands that run on them: the only place that imports Fabric or Paramiko."""
