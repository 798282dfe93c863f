# Salon. `make help` lists the commands. You need Python 3.11 or newer, git and make.

PYTHON ?= python3
UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.installed-$(shell cksum < requirements.lock | cut -d' ' -f1)
# The lock holds torch's CPU build. uv needs the folder that pip's variable names, or the index of CPU builds.
TORCH := $(if $(PIP_FIND_LINKS),--find-links "$(PIP_FIND_LINKS)",--torch-backend cpu)
WEIGHTS := $(shell find starter/weights -type f 2>/dev/null)
TEST_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup browser demo tour visits lighthouse clean-demo test test-long fuzz-api clients python-client lint format bench lock wheels sbom containers bare

help: ## lists these commands
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1|/' | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

setup: $(LOCKED) $(if $(WEIGHTS),var/checkpoints/.assembled) var/static/staticfiles.json browser ## installs the environment

$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'Salon needs Python 3.11 or newer, but `$(PYTHON)` is older or missing. Install it, or run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)'; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { \
	  echo 'Could not create the virtual environment. On Debian or Ubuntu: apt-get install python3-venv'; exit 1; }
	@echo 'Installing the packages of requirements.lock ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python $(TORCH) requirements.lock
	@rm -f $(VENV)/.installed-* && touch $@

var/checkpoints/.assembled: $(WEIGHTS) | $(LOCKED)
	@echo 'Assembling the starter checkpoint and the sentence encoder ...'
	@$(BIN)/python -m starter.assemble
	@$(BIN)/python -m starter.meaning
	@mkdir -p $(@D) && touch $@

var/static/staticfiles.json: $(shell find static -type f 2>/dev/null) config/static_files.py $(LOCKED)
	@echo 'Collecting the static files ...'
	@$(BIN)/python -m config.static_files && touch $@

browser: | $(LOCKED) ## installs Chromium for the browser tests, which are skipped without it
	@PLAYWRIGHT=$(BIN)/playwright sh deploy/install-browser.sh

demo: setup ## runs the whole site until Ctrl-C (until it is ready: make demo ONCE=yes)
	@exec $(BIN)/python -m config.local.demo $(if $(ONCE),--once)

tour: | $(LOCKED) ## takes the pictures of docs/tour.md of a demo that runs
	@$(BIN)/python -m config.local.tour

visits: | $(LOCKED) ## measures what a visit of a demo that runs costs, by Chromium's own counters
	@$(BIN)/python -m benchmarks.site

lighthouse: | $(LOCKED) ## asks Lighthouse about ten pages of a demo that runs (needs npm)
	@$(BIN)/python -m benchmarks.site --lighthouse

clean-demo: ## deletes the demo's data (checkpoints stay)
	@$(BIN)/python -m config.local.demo --remove

test: setup ## runs the tests (some: make test TESTS=tests/feed)
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder $(TESTS)

test-long: setup ## runs the few tests that take minutes each
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder -m long $(TESTS)

fuzz-api: setup ## sends some 20,000 generated requests to the API, as four kinds of caller (ten minutes)
	@SALON_FUZZ_EXAMPLES=$(or $(EXAMPLES),20) $(BIN)/pytest -q -n 0 tests/contracts/test_fuzz.py

clients: setup ## makes clients of the API in Python and TypeScript and walks them through the site (needs npm)
	@SALON_TYPESCRIPT=yes $(BIN)/pytest -q -n 0 -m "long or not long" tests/contracts/test_clients.py

python-client: $(LOCKED) ## makes the typed Python client in clients/python/salon_client from the API's document
	@mkdir -p var && $(BIN)/python -W ignore manage.py spectacular --format openapi-json --file var/openapi.json
	@$(BIN)/openapi-python-client generate --path var/openapi.json --output-path clients/python/salon_client \
	  --meta none --config clients/python/generator.yml --overwrite --fail-on-warning
	@touch clients/python/salon_client/py.typed

lint: $(LOCKED) ## checks style, types, imports, migrations and deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore manage.py makemigrations --check --dry-run --verbosity 1
	SITE_URL=https://salon.example $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(LOCKED) ## lets ruff fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## runs every benchmark in its quick form
	@for file in benchmarks/[a-z]*.py; do \
	  test -e "$$file" || continue; echo "== $$file"; $(BIN)/python "$$file" --quick || exit 1; done

lock: $(LOCKED) ## writes both lock files from pyproject.toml
	@$(BIN)/python deploy/lock.py write

wheels: $(LOCKED) ## checks that every locked package has a wheel for every platform (asks the package index)
	@$(BIN)/python deploy/lock.py check

sbom: $(LOCKED) ## writes var/sbom.json, the parts of the production lock as CycloneDX
	@mkdir -p var && $(BIN)/uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements.production.lock -o var/sbom.json

containers: $(LOCKED) ## builds the image and draws a picture in the compose file's services (needs podman)
	@$(BIN)/pytest -q -n 0 -m "long or not long" tests/config/test_containers.py

bare: ## sets up, runs and tests the site in a bare Debian without a compiler (as root; needs debootstrap)
	@sh deploy/bare-machine.sh "$(or $(FOLDER),/var/tmp/salon-$(or $(SUITE),bookworm))"
