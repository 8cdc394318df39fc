# Everything that a developer or a visitor runs. `make help` lists it; scripts/make-venv makes .venv on first use.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo run test test-tempest check bench bench-host bench-neutron bench-placing fuzz lab docs clean lock venv

BIN := .venv/bin
# What to hand on to the program that a target runs, as in: make test ARGS="tests/unit -k vlan"
ARGS :=
# Worker processes of `make test`.
JOBS := 2
# An interpreter to make .venv with, instead of the first that will do.
export PYTHON

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ONCE=1 ends after the story, with exit code 1 if a step was not as told; DIR keeps the data in that folder.
demo: venv  ## a small cloud and its story, told and run (ONCE=1, DIR=folder)
	@$(BIN)/mooring demo $(if $(ONCE),--once) $(if $(DIR),--dir "$(DIR)") $(ARGS)

run: venv  ## one controller, until ctrl-C
	@$(BIN)/mooring up $(ARGS)

test: venv  ## all tests
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

# Tempest and neutron-tempest-plugin come from PyPI into a venv of their own, in the user's cache folder.
test-tempest: venv  ## the public test suites of the Networking API (ARGS="-k qos": those of QoS)
	@MOORING_TEST_REQUIRE="schemathesis tempest" $(BIN)/python -m pytest -q tests/conformance $(ARGS)

check: venv  ## lint, format, types, and the rules of the house
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/tidy

# With ARGS, what they ask for of the first alone.
bench: venv  ## figures: requests a second, time to ACTIVE, memory; then bench-placing (bench-host has a host's)
	@$(BIN)/python bench/run.py $(ARGS)
	@$(if $(ARGS),true,$(BIN)/python bench/placing.py)
	@$(if $(ARGS),true,$(BIN)/python bench/networking.py --neutron installed)

bench-host: venv  ## figures of a host: microseconds for a VF, milliseconds for a thousand (boots the lab for them)
	@$(BIN)/python bench/host.py $(ARGS)

# Nova comes from PyPI into a venv of its own, in the user's cache folder (ARGS="--no-nova": without it).
bench-placing: venv  ## figures of placing: microseconds among 10,000 hosts, beside Nova's own filter
	@$(BIN)/python bench/placing.py $(ARGS)

# Neutron comes from PyPI into a venv of its own, as Nova does.
bench-neutron: venv  ## figures of the Networking API: microseconds a request, beside a real neutron-server
	@$(BIN)/python bench/networking.py $(ARGS)

# atheris is for this alone, so that it is in no lock; ARGS="--seconds 600 nics" is one reader for ten minutes.
fuzz: venv  ## look for texts that break what reads files, bodies and command lines, a minute for each reader
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet 'atheris>=3.0' || { \
		echo "mooring: atheris does not install here; tests/unit/core/test_parsers_never_crash.py needs none" >&2; exit 1; }
	@$(BIN)/python fuzz/run.py $(ARGS)

# As root; wants mmdebstrap, and takes about three minutes and 2 GB of disk the first time.
lab: venv  ## two emulated hosts with real kernels, cards and libvirt, and a cloud on them, until ctrl-C
	@$(BIN)/python -m lab up --cloud $(ARGS)

docs: venv  ## are the reference pages complete, and do all examples run?
	@$(BIN)/python -m pytest -q tests/docs tests/tidy

clean:  ## remove .venv and everything else that can be made again
	rm -rf .venv .venv.lock .fuzz build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

venv:
	@scripts/make-venv

# After a change of the dependencies in pyproject.toml. Wants uv (`.venv/bin/pip install uv`, or any other), which writes
# the hashes of every platform's files and no address. libvirt-python has no wheel, so it has a lock of its own that
# only a machine with a compiler installs.
UV := $(shell command -v uv || echo $(BIN)/uv)
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(ARGS)

lock:
	@[ -x "$(UV)" ] || { echo "mooring: uv is missing; install it with: $(BIN)/pip install uv" >&2; exit 1; }
	$(LOCK) --extra client --extra dev --output-file requirements.lock pyproject.toml
	grep -o '"libvirt-python.*"' pyproject.toml | tr -d '"' | \
		$(LOCK) --output-file requirements-libvirt.lock -
