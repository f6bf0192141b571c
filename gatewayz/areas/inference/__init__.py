"""Inference: what callers come for. The hot routes are answered in `gatewayz.web.hot`."""
