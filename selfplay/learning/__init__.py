"""The one learner: the replay it samples from, its updates, its checkpoints."""
