"""A shop's code: the ledger of commits, packages that are verified before they touch anything, and the switch."""
