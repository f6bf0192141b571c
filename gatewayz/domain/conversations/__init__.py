"""Conversations that the gateway keeps for its users. Source: spec 01 §6."""
