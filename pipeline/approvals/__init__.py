"""The release manifest, the signatures under its digest, and how many of them a promotion wants."""
