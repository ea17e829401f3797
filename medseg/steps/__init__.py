"""Floor 4: the steps verbs are made of; here bundle, data, engine and run folder meet."""
