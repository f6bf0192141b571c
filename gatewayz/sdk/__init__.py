"""The promise to plugin authors. Imports nothing else of the gateway.

`hookspecs` how a plugin gets in · `interfaces` what its objects do · `chat`, `usage`, `offers`,
`wire` the values they exchange · `errors` what may go wrong · `http_provider` a base that leaves
little to write · `testing` the contract suites.
"""
