"""Data sets, read into curves on the grid, and sounds whose EQ is known."""
