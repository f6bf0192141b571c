"""The model lists, for people and for SDKs."""
