"""Money: what customers have, what is held for their requests, what was booked.

`operations` what can be asked · `book` deciding a group of operations on what was read · `ledger`
the service: groups, commits, repeats, sweeps · `sweep` what happens to holds nobody settles.
"""
