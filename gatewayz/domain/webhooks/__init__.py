"""Customers' webhooks: signed, retried, logged. Source: spec 08 §5; docs/webhooks.md."""
