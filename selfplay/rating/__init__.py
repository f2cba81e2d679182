"""Who is stronger, and by how much: matches, Elo, ladders."""
