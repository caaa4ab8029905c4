"""What several methods learn from, and how."""
