"""What a net thinks of positions and games: the JSON protocol, reviews."""
