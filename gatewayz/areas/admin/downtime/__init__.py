"""The gateway's own downtime, for administrators."""
