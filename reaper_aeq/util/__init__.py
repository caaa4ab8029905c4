"""Files, locks, folders of users, and how a program is interrupted. Standard library only; nothing here knows audio."""
