"""HTTP towards providers.

`engine` is the client; `pool`, `connection` and `exchange` are its parts. `resolver` turns names into
addresses, `egress` fetches what others ask for without letting them choose where we connect.
`httpx_face` and `stock` are the only modules that know httpx: the familiar interface over our pools,
and stock httpx behind our interface for proxies and HTTP/2.
"""
