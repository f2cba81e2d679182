"""Variants of one stage of learning, on equal terms."""
