"""Same-format relaying: a provider's own bytes go to the caller with only the gateway's fields changed.

`contract` says what each format implements; one module holds one format. Requests keep every member
as the caller wrote it, streams are cut at event borders and mostly never decoded.
"""
