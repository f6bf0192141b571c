"""Mail to people about their account. Source: spec 08 §5, docs/decisions/0173-notices.md."""
