"""Upstreams: one wire protocol per folder; a vendor that speaks a known one is an entry in `config/providers.yaml`."""
