"""Credit by API key, and the list of transactions, for administrators. Source: spec 07 §3."""
