"""Nets: how they are built, stored, and computed in batches."""
