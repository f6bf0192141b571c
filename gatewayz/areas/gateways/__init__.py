"""The gateways and routers that can be chosen, how they are doing, and what went through them."""
