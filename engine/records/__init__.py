"""Game records: what they mean, where they stand, SGF."""
