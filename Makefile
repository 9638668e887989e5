# Short names for what contributors run; test.sh is what decides.
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 10m
SOAK ?= 1h

.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## Run everything, as CI does (under 20 minutes on two cores)
	./test.sh

unit: ## Run the tests
	./test.sh unit

race: ## Run the tests under the race detector, where goroutines meet
	./test.sh race

late: ## Run the tests while system calls return late, at random (Linux)
	./late.sh -p 6 ./...

lint: ## Run gofmt, go vet and golangci-lint
	./test.sh lint
	go run $(GOLANGCI) run

vet: ## Run go vet
	go vet ./...

fuzz: ## Run each fuzz target for FUZZTIME (10m)
	FUZZTIME=$(FUZZTIME) ./test.sh fuzz

fuzz-short: ## Run each fuzz target for 5 seconds
	FUZZTIME=5s ./test.sh fuzz

soak: ## Load all runtimes and pollers with good and bad clients for SOAK (1h)
	go test -count 1 -timeout 0 -v -run '^TestSoak$$' ./internal/soak -args -soak $(SOAK)

conformance: ## Run all public suites and clients against the servers, under the race detector
	LONG=true ./test.sh conformance

bench: ## Run the benchmarks beside the code; bench/ compares with others
	go test -run '^$$' -bench . -benchmem ./...

examples: ## Build the examples into bin/examples
	go build -o bin/examples/ ./examples/...

octopus: ## Start the example that serves everything at once
	go run ./examples/octopus

octopus-client: ## Make the client of the octopus page anew from its OpenAPI document (needs Node.js)
	./examples/octopus/web/generate.sh

cover: ## Test with coverage, also across packages, into coverage.out
	go test -coverpkg=./... -coverprofile=coverage.out ./...
	go tool cover -func=coverage.out | tail -n 1

cross: ## Vet for macOS, Windows, FreeBSD and Linux on arm64
	./test.sh cross

clean: ## Remove what the targets above wrote
	rm -rf bin coverage.out

.PHONY: help test unit race lint vet fuzz fuzz-short soak conformance bench examples octopus octopus-client cover cross clean
