"""Where steps come from: a model in this process, or a script for tests."""
