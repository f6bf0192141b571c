"""Payments: from a processor's events to the ledger, once each."""
