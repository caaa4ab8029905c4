"""The command line: `main` declares what can be asked, `commands` does it."""
