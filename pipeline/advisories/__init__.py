"""What is known to be dangerous: advisories of three kinds, and whether they speak of an installed version."""
