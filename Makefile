# Every habit as one word. `make` alone lists them.

UV = python3 -m uv run
LINT = $(UV) --only-group lint

.PHONY: help demo check quick style imports lua types test format picture hooks lock

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

demo: ## the README's first command
	$(UV) reaper-aeq demo

check: quick types test ## all that has to hold before something is merged: .ci/run does the same

quick: style imports lua ## what takes seconds: form, mistakes, direction of imports, Lua

style: ## form and mistakes of the Python code, nothing is changed
	$(LINT) ruff format --check
	$(LINT) ruff check

imports: ## imports only go down (docs/architecture.md; the contracts are in pyproject.toml)
	$(LINT) lint-imports

lua: ## mistakes in the actions
	@command -v luacheck >/dev/null || { echo "luacheck is not installed (Debian: lua-check; luarocks: luacheck)" >&2; exit 1; }
	luacheck reascripts -q

types: ## types of the package
	$(UV) --group lint mypy

test: ## the README's test command
	$(UV) --group test pytest

format: ## put the code into its form
	$(LINT) ruff format
	$(LINT) ruff check --fix

picture: ## draw the README's picture anew
	$(UV) python docs/draw_picture.py

hooks: ## have git run the quick half before each commit
	$(UV) --group lint pre-commit install

lock: ## resolve all versions anew and write them into pyproject.toml (see CONTRIBUTING.md)
	python3 .ci/lock
