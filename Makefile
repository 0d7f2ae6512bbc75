# Everything a person does with this repository. `make` alone lists the targets.
# The end-to-end tests need root on Debian or Ubuntu the first time: they install and start a Docker
# engine and Prometheus and build VictoriaLogs (see .ci/servers.sh).

CARGO ?= cargo
STATIC_TARGET := x86_64-unknown-linux-gnu
IMAGE ?= tamis:dev
SERVERS := bash .ci/servers.sh exec

.DEFAULT_GOAL := help
.PHONY: help run build test e2e fuzz bench bench-small bench-record fmt lint image clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build ## build and start the demo: a synthetic stack, the real pipeline, a live page
	target/release/tamis demo

build: ## the release binary, target/release/tamis
	$(CARGO) build --release --locked -p tamis

test: ## every test, with real servers (they fail, not skip, when a server cannot be had)
	TAMIS_E2E=1 $(SERVERS) $(CARGO) test --workspace --locked

e2e: ## only the tests with real servers
	TAMIS_E2E=1 $(SERVERS) $(CARGO) test --locked -p tamis --test e2e

SECONDS_EACH ?= 60
fuzz: ## every fuzz target for SECONDS_EACH seconds (60)
	bash .ci/fuzz.sh $(SECONDS_EACH)

BENCH := $(CARGO) run --profile fast --locked -p tamis-benches --

bench: ## every benchmark, large: counts, ratios to the record, tables and plot of docs/BENCHMARKS.md
	$(BENCH) --large --check --docs

bench-small: ## every benchmark, small: counts and ratios to the record, in seconds
	$(BENCH) --small --check

bench-record: ## write benches/record.json and docs/BENCHMARKS.md from runs on this machine
	$(BENCH) --record

fmt: ## format the code
	$(CARGO) fmt --all

lint: ## format check, clippy, licences and sources of dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) deny check --hide-inclusion-graph licenses bans sources

image: ## the container image: a static binary FROM scratch
	RUSTFLAGS="-C target-feature=+crt-static" \
		$(CARGO) build --release --locked -p tamis --target $(STATIC_TARGET)
	rm -rf target/image && mkdir -p target/image
	cp target/$(STATIC_TARGET)/release/tamis compose/tamis/Dockerfile target/image/
	timeout 120 docker build --tag $(IMAGE) target/image
	@timeout 20 docker image inspect --format 'image {{.Size}} bytes' $(IMAGE)

clean: ## remove what was built here
	$(CARGO) clean
