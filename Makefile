# Alchemorsel AI infrastructure. `make` alone lists what there is.

PYTHON ?= python3
BIN := .venv/bin
PREBUILT := roles/ai_service/files/dist
LOCKED := $(addprefix requirements/,service.txt bench.txt control.txt test.txt)
CLIENTS := $(basename $(notdir $(wildcard requirements/clients-*.in)))
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(if $(UPGRADE),--upgrade) \
	--no-emit-index-url --no-emit-find-links --no-config --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help setup demo site test lint test-unit test-integration test-site test-all scenario scenarios lab-up lab-down bench-peers
.PHONY: faults test-clients docs lock wheel collection sanity release

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed ## make the virtual environment from the pinned, hashed requirements (about 10 s)

.venv/.installed: requirements/bootstrap.txt $(LOCKED) requirements/install.sh
	@sh requirements/install.sh $(PYTHON)

demo: ## bare host -> measured AI service, on this machine: lab, site.yml, benchmark (3 to 6 minutes)
	@$(PYTHON) -m lab.preconditions
	@$(MAKE) --no-print-directory setup
	@$(BIN)/python -m lab demo

lab-up: ## start the lab: Docker Engine, mirror, one bare host (the first time about 2 minutes)
	@$(PYTHON) -m lab.preconditions
	@$(MAKE) --no-print-directory setup
	@$(BIN)/python -m lab up

lab-down: setup ## stop and remove everything of the lab that runs; caches stay
	@$(BIN)/python -m lab down

site: setup ## provision and deploy onto the lab's host
	@$(BIN)/ansible-playbook site.yml -i inventories/lab

test: ## everything: lint, unit, contract, integration, the whole site on a bare host (about 30 minutes)
	@$(PYTHON) -m lab.preconditions
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory lint test-unit test-integration test-site

lint: setup ## ruff, mypy, import-linter, yamllint, ansible-lint (production profile)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict .
	PATH="$(CURDIR)/$(BIN):$$PATH" ANSIBLE_HOME=$(CURDIR)/.ansible $(BIN)/ansible-lint --offline

test-unit: setup ## unit and contract tests (no container, no model)
	$(BIN)/pytest tests/unit tests/contract tests/roles tests/golden

test-integration: setup ## the service and the bench against a real Redis and the real Ollama
	@$(BIN)/python -m lab parts
	$(BIN)/pytest tests/integration
	$(BIN)/pytest tests/clients/test_clients.py --clients quick

test-clients: setup ## every client program in tests/clients against the service, and against Ollama itself
	@$(BIN)/python -m lab parts
	$(BIN)/pytest tests/clients

test-site: setup ## the whole site on a bare Debian 12 host, with live requests and faults; a host with a Redis, hosts to be refused
	@$(BIN)/python -m lab up --no-hosts
	@$(MAKE) --no-print-directory scenario SCENARIO=site-dev
	@$(MAKE) --no-print-directory scenario SCENARIO=past-refused
	@$(MAKE) --no-print-directory scenario SCENARIO=past-redis

faults: ## one fault at a time on a lab site under load; writes docs/reliability.md (about 30 minutes); ONLY=redis-killed,edge-killed
	@$(PYTHON) -m lab.preconditions
	@$(MAKE) --no-print-directory setup
	@$(BIN)/python -m lab.faults --only "$(ONLY)"

bench-peers: setup ## instances behind the edge beside one alone, a bare echo, nginx, LiteLLM and Portkey, in turns (about 25 minutes)
	$(BIN)/python -m tools.perf peers

docs: setup ## write the tables of settings, of the roles' variables and of what is tested of each role
	$(BIN)/python -m tools.docs.settings_table
	$(BIN)/python -m tools.docs.role_tables
	$(BIN)/python -m tools.docs.scenario_matrix

test-all: ## make test, 10,000 generated requests, every molecule scenario on Debian 12 and 13 (two hours or more)
	@$(PYTHON) -m lab.preconditions
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory lint test-unit test-integration test-clients
	SCHEMATHESIS_EXAMPLES=600 $(BIN)/pytest -rP tests/integration/service/test_generated_requests.py
	@$(MAKE) --no-print-directory scenarios

collection: wheel ## dist/alchemorsel-ai-<version>.tar.gz, to be installed by ansible-galaxy; brings the service as a wheel
	@rm -rf dist/alchemorsel-ai-*.tar.gz $(PREBUILT) && mkdir -p $(PREBUILT) && cp dist/*.whl $(PREBUILT)
	$(BIN)/ansible-galaxy collection build --output-path dist
	@rm -r $(PREBUILT)

release: setup ## wheel, collection, checksums and notes of the version in dist/; refuses what is not committed
	@$(BIN)/python -m tools.release check
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(MAKE) --no-print-directory collection
	@$(BIN)/python -m tools.release finish

sanity: collection ## ansible-test sanity over the built collection (about 3 minutes)
	@$(BIN)/python tools/sanity.py dist/alchemorsel-ai-*.tar.gz

scenario: setup ## one molecule scenario, as it happens: make scenario SCENARIO=redis [LAB_SUITE=trixie]
	@$(BIN)/python -m lab scenario "$(SCENARIO)$(if $(LAB_SUITE),:$(LAB_SUITE))"

scenarios: setup ## all of them on both releases, or ONLY=redis,ollama SUITES=trixie; writes .lab/scenarios/junit.xml
	@$(BIN)/python -m lab scenarios --only "$(ONLY)" --suites "$(SUITES)"

wheel: setup ## build the wheel of service, command and benchmark into dist/
	@rm -f dist/*.whl
	$(BIN)/hatchling build --target wheel

lock: setup ## rewrite requirements/*.txt from pyproject.toml and requirements/*.in; UPGRADE=1: with the newest versions
	$(COMPILE) pyproject.toml -o requirements/service.txt
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")' \
	  | $(COMPILE) - -c requirements/service.txt -o requirements/bench.txt
	for name in bootstrap control test peers $(CLIENTS); do \
	  $(COMPILE) requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	for name in lab llamacpp helm; do \
	  $(COMPILE) --no-deps requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	$(BIN)/python -m tests.clients.environments
