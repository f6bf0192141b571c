"""Who may call: keys, callers, accounts.

`caller` the value a request carries · `keys` minting, hashing, sealing · `key_files` where salt and
keyring come from · `authenticator` credential to caller, from memory · `restrictions` where a key
may be used from · `accounts` users and keys as an operator or owner changes them.
"""
