# The verbs of this house. `make help` lists them; CONTRIBUTING.md says when to use which.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(or $(VESTIBULE_TOOLS),$(HOME)/.cache/vestibule)/bin:$(PATH)

.PHONY: help
help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: demo
demo: ## a shop, Vestibule and a company's identity provider, on loopback
	cargo run --release -- demo

.PHONY: demo-keycloak
demo-keycloak: neighbours ## the demo with a real Keycloak behind its button
	cargo build --release
	@VESTIBULE_TEST_OUTPUT=$$(mktemp -d) node tests/demo.js "$${CARGO_TARGET_DIR:-target}/release/vestibule"

.PHONY: test
test: tools neighbours test-rust test-browser ## everything, on both engines, with the real neighbours

.PHONY: test-rust
test-rust: tools
	VESTIBULE_TEST_ENGINES=sqlite,postgres cargo nextest run --workspace --locked

.PHONY: test-browser
test-browser: neighbours ## the browser suite alone
	cargo build --workspace --locked --bin vestibule
	@scripts/browser-suite "$${CARGO_TARGET_DIR:-target}/debug/vestibule"

.PHONY: test-quick
test-quick: ## cargo alone, on SQLite; needs nothing but Rust
	VESTIBULE_TEST_ENGINES=sqlite VESTIBULE_CRASH_ROUNDS=10 cargo test --workspace --locked --quiet

.PHONY: lint
lint: tools ## formatting, clippy, dependencies, the rules of the house
	scripts/house-rules
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo deny --locked --log-level error check bans licenses sources
	cargo machete --skip-target-dir

.PHONY: gen
gen: ## rewrite everything that is generated
	cargo build --workspace --locked --bin vestibule --example security_page
	"$${CARGO_TARGET_DIR:-target}/debug/vestibule" gen
	"$${CARGO_TARGET_DIR:-target}/debug/examples/security_page"

.PHONY: bench
bench: ## measure, each figure beside its limit
	cargo bench -p server --bench house --locked

.PHONY: soak
soak: ## ten simulated days: what is over is forgotten, on both engines
	cargo bench -p server --bench soak --locked

.PHONY: mutants
mutants: ## remove guards one by one; the named test must go red
	scripts/tools mutants nextest
	scripts/mutants

.PHONY: tools
tools:
	@scripts/tools

.PHONY: neighbours
neighbours:
	@scripts/neighbours
