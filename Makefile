# What one types. Each target does all it needs, from a clean clone.

# Options for `make run`, for example: make run ARGS="--input jack --lan"
ARGS =

# The features that tests are built with; PipeWire is Linux's.
FEATURES = crate-mfcc$(if $(filter Linux,$(shell uname -s)),$(comma)pipewire)
comma = ,

.PHONY: help features run build test rtsan bench doc ci clean

features:
	@echo $(FEATURES)

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /	/'

run: build ## installs what is missing, builds, listens and streams; options in ARGS
	cargo run --locked --release --quiet -- run $(ARGS)

build: ## the program, as target/release/affectd
	.ci/install build
	cargo build --locked --release

test: ## all tests, with the real peers: jackd, Pd, SuperCollider, Node, liblo, python-osc, Mesa's Vulkan
	.ci/install test
	cargo test --locked --features $(FEATURES)

rtsan: ## the audio thread under the real-time sanitizer, with a real JACK and a real PulseAudio
	.ci/install test
	.ci/rtsan

bench: build ## micro-benchmarks, then what the analysis costs on this machine
	cargo bench --locked
	cargo run --locked --release --quiet -- bench

doc: ## the source's documentation, as target/doc/affectd/index.html
	.ci/install build
	cargo doc --locked --no-deps

ci: ## all that must hold before a change is taken
	.ci/run

clean: ## removes all that was built
	cargo clean
