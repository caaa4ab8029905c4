"""Where the shipped files lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def installed() -> bool:
    """Whether this is an installed wheel, and not a clone of the repository."""
    return (PACKAGE / "shipped").is_dir()


def shipped(name: str) -> Path:
    """Folder `models` or `reascripts`, wherever this installation keeps it."""
    inside = PACKAGE / "shipped" / name
    return inside if inside.is_dir() else PACKAGE.parent / name
