# `make` lists what there is. Each check prints how many tests it ran, and fails if it ran none.

GO       ?= go
FUZZTIME ?= 5s
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT   ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
TIER     := scripts/tier

.DEFAULT_GOAL := help
.PHONY: help build run test quick unit race fuzz e2e schemathesis conformance lint format bench pages setup setup-bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

build: ## Build bin/berdlhub, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o bin/berdlhub ./cmd/berdlhub

run: build ## Build, then run everything on this machine with stand-ins for the outside world
	bin/berdlhub dev

test: setup ## Everything that CI checks: lint, quick, race, fuzz, e2e
	@scripts/test-all lint quick race fuzz e2e

unit: quick race ## Unit tests: quick, then race

quick: ## Unit tests as `go test ./...`; fails if they take longer than a minute
	@$(TIER) quick --limit 60s -- $(GO) test -json -count=1 ./...

race: ## Unit tests with the race detector, in random order
	@$(TIER) race -- $(GO) test -json -count=1 -race -shuffle=on ./...

fuzz: ## Every fuzz target for FUZZTIME (5s)
	@$(TIER) fuzz -- scripts/fuzz-all $(FUZZTIME)

e2e: ## The real parts together: Chromium, JupyterLab, PostgreSQL
	@$(TIER) e2e -- $(GO) test -json -count=1 -tags e2e -p 1 -timeout 20m ./test/...

conformance: ## Ask JupyterHub 6.1.1 and berdlhub the same, and compare the answers
	@$(TIER) conformance -- $(GO) test -json -count=1 -tags e2e -timeout 5m ./test/conformance; s=$$?; cat out/conformance.txt; exit $$s

schemathesis: ## Ten minutes of made-up requests to the REST API
	@SCHEMATHESIS_SECONDS=600 $(TIER) schemathesis -- $(GO) test -json -count=1 -tags e2e -timeout 20m -run '^TestSchemathesis$$' ./test/e2e

lint: ## gofumpt, go vet, golangci-lint
	@$(TIER) lint -- scripts/lint-all

format: ## Format all Go files with gofumpt
	@"$$(scripts/install-go-tools)/gofumpt" -w .

bench: setup-bench ## Measure beside JupyterHub 6.1.1 and configurable-http-proxy 5.3.0
	$(GO) run ./bench

pages: build ## Serve every page from fixtures
	bin/berdlhub pages

setup: ## Install what the checks need into the cache folder
	@scripts/install-postgres
	@scripts/install-chromium
	@scripts/install-axe
	@scripts/install-python-env hub6
	@scripts/install-python-env hub5
	@scripts/install-python-env schemathesis
	@scripts/install-go-tools
	@scripts/install-chp

setup-bench: ## Install what the benchmarks need into the cache folder
	@scripts/install-postgres
	@scripts/install-python-env hub6
	@scripts/install-chp

clean: ## Remove what was built and what tests left; the cache folder stays
	rm -rf bin out
