"""The command line: one module per verb; what they do is elsewhere."""
