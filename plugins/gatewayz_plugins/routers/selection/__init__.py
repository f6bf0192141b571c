"""Choosing a model out of many, by numbers: what the routers `general` and `code` share.

A library, no plugin: no `plugin.yaml`, no hook. Pure: same facts, same choice. docs/routing/routers.md.
"""
