"""Ingest's migration chain."""
