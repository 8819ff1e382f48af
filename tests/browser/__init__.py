"""A real browser on every page that a person uses, as wide as a phone."""
