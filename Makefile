# make demo           set up what is needed to run, build, show what the models that ship say of proteins, cells and drugs
# make wheel          the Python package: one wheel in target/wheels
# make test           set up what the tests need, run all of them, show the counts
# make check          format, lints and docs, warnings as errors
# make fuzz           a minute of random input for each reader that takes foreign files (nightly Rust)
# make bench-protein  protein embedding beside transformers and fair-esm; appends to benches/RESULTS.md
# make bench-cell     counting, tokenizing and converting beside UMI-tools and Geneformer's own code; appends as well
# make bench-drug     fingerprints beside RDKit, scoring beside a perceptron and chemprop; appends as well (options=--quick)
# make bench-python   1,000 short sequences from Python beside the command line, shards on Ray; appends as well
# make clean          remove what these targets made

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Where rustup puts cargo, for shells that have not read its environment yet.
export PATH := $(HOME)/.cargo/bin:$(PATH)

target := $(or $(CARGO_TARGET_DIR),target)
ferrome := $(target)/release/ferrome
fuzz_seconds ?= 60
options ?=

.PHONY: help demo wheel test check fuzz bench-protein bench-cell bench-drug bench-python clean runtime test-tools build

help:
	@sed -n '/^# make/s/^# //p' Makefile

demo: build
	@$(ferrome) demo

wheel: runtime
	@scripts/build_wheel.sh

test: test-tools
	@scripts/run_tests.sh

check: runtime
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --locked --workspace

fuzz:
	@scripts/fuzz.sh $(fuzz_seconds) fasta pickle bam gene_dictionary smiles

bench-protein: test-tools
	@cargo build --release -p ferrome-cli --locked
	FERROME_BIN=$(ferrome) .venv/bin/python benches/protein.py

bench-cell: test-tools
	@cargo build --release -p ferrome-cli --locked
	@cargo build --release --workspace --examples --locked
	FERROME_BIN=$(ferrome) .venv/bin/python benches/cell.py --examples $(target)/release/examples

bench-drug: test-tools
	@cargo build --release -p ferrome-cli --locked
	@cargo build --release --workspace --example random_model --locked
	FERROME_BIN=$(ferrome) .venv/bin/python benches/drug/score.py --random-model $(target)/release/examples/random_model $(options)

bench-python: test-tools
	@cargo build --release -p ferrome-cli -p ferrome-py --locked
	FERROME_BIN=$(ferrome) .venv/bin/python benches/python.py $(options)
	FERROME_BIN=$(ferrome) .venv/bin/python benches/scaling.py

clean:
	cargo clean
	rm -rf .venv demo-out fuzz/target fuzz/corpus fuzz/artifacts

build: runtime
	@cargo build --release -p ferrome-cli --locked

runtime:
	@scripts/set_up.sh runtime

test-tools:
	@scripts/set_up.sh test
