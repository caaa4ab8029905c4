"""A blind listening study: made, served on a page, evaluated."""
