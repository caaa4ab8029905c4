# Every habit as one word. `make` alone lists them.

.PHONY: help demo test lint format lock

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

demo: ## the README's first command
	python3 -m uv run reaper-aeq demo

test: ## the README's test command
	python3 -m uv run --group test pytest

lint: ## look for mistakes, change nothing
	python3 -m uv run --group lint ruff check
	python3 -m uv run --group lint ruff format --check

format: ## put the code into its form
	python3 -m uv run --group lint ruff format

lock: ## resolve all versions anew and write them into pyproject.toml (see CONTRIBUTING.md)
	python3 .ci/lock
