"""Learning: teachers, replay, learner, arena and ratings, reports."""
