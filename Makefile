# Every target works from any folder: make -C "path/to/the project" TARGET
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo up down test soak crds chart install.yaml docs pages bench clean

help: ## Lists these targets
	@sed -n 's/^\([a-z.]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

demo: ## Starts a control plane and the operator here, applies the examples and shows them, with one mistake to look at
	@tools/local demo

up: ## Starts a control plane and the operator here, and prints how to use them
	@tools/local up

down: ## Stops what `up` or `demo` started, and keeps the data
	@tools/local down

test: ## Runs every check and test; the first run builds the control plane, which takes minutes
	@tools/check

soak: ## Tries other random operations and lives of the operator than `test` does, and more of them; SEED=7 repeats
	@seed="$${SEED:-$$(date +%s)}"; echo "make soak SEED=$$seed repeats this"; \
	PROPTEST_RNG_SEED="$$seed" PROPTEST_CASES="$${PROPTEST_CASES:-20000}" cargo test --release --lib fabric::tests; \
	VNET_SIM_FIRST="$$seed" VNET_SIM_SEEDS="$${VNET_SIM_SEEDS:-20000}" cargo test --release --test simulation; \
	export VNET_ASSETS="$$(tools/binaries)" VNET_HELM="$$(tools/binaries helm)" VNET_OLDEST_SCHEMA="$$(tools/binaries oldest-schema)"; \
	cargo test --test it -- --test-threads 8; \
	cargo test --test alone -- --test-threads 1

crds: ## Generates crds/ from the code
	cargo run --quiet -- crds --dir crds

chart: ## Generates the files of the Helm chart that follow from the code
	cargo run --quiet -- chart --dir charts/vnet-operator

install.yaml: chart ## Renders the chart into one file for `kubectl apply`
	@helm="$$(tools/binaries helm)"; set -x; "$$helm" template vnet charts/vnet-operator --namespace vnet-system --no-hooks | \
	cat charts/namespace.yaml - >.install.yaml && mv .install.yaml install.yaml

docs: crds install.yaml ## Generates everything that is committed and generated
	@mkdir -p docs
	cargo run --quiet -- rules >docs/rules.md
	cargo run --quiet -- crds --output markdown >docs/api.md
	cargo run --quiet -- kustomize >examples/kustomize/base/references.yaml
	page=$$(cargo run --quiet -- metrics | tools/insert docs/operating.md metrics); echo "$$page" >docs/operating.md

pages: ## Runs the commands of README.md and docs/, and writes what they print into them
	@assets="$$(tools/binaries)"; helm="$$(tools/binaries helm)"; set -x; VNET_BLESS=1 VNET_ASSETS="$$assets" VNET_HELM="$$helm" cargo test --test alone docs::every_command

bench: ## Runs the benchmarks, about 25 minutes; VNET_BENCH_SIZES=1000 VNET_BENCH_SETS=1x200 VNET_BENCH_PAIRS=3 VNET_BENCH_STORMS=100,100 about 5
	@assets="$$(tools/binaries)"; set -x; VNET_ASSETS="$$assets" cargo bench --bench engine --bench operator

clean: ## Stops everything, and removes target/ and .local/
	tools/local down
	cargo clean
	rm -rf .local
