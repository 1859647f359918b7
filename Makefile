# SPDX-License-Identifier: Apache-2.0
# The front door. Everything here is one or two commands of CMake, Ninja and CTest that you can type
# yourself; see CONTRIBUTING.md.

JOBS ?= $(shell nproc)
# Of `make fuzz`, for each target.
FUZZ_SECONDS ?= 60
PROGRAMS := holdfast-gateway holdfast-process-supervisor holdfast journal-cli
BENCHES := holdfast_journal_bench holdfast_history_bench holdfast_engine_bench
ROOMS := support journal statemachine drivers extensions tools tests
# All C++ that is ours, generated code and build directories left out.
SOURCES = $(shell find $(ROOMS) -name '*.h' -o -name '*.cc')

.DEFAULT_GOAL := help
.PHONY: help setup configure build demo run test bench lint fuzz format clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## install missing Debian packages (asks for nothing; uses sudo only when not root)
	@tools/setup/setup.sh

configure: setup
	@cmake --preset dev --log-level=WARNING

build: configure  ## build everything into build/
	cmake --build --preset dev -j $(JOBS)

test: build  ## build and run every test
	ctest --preset dev

demo: configure  ## kill the gateway in the middle of things, and watch nothing get lost
	cmake --build --preset dev -j $(JOBS) --target $(PROGRAMS)
	tools/demo/demo.sh build/bin

run: configure  ## start a gateway in the foreground on build/run
	cmake --build --preset dev -j $(JOBS) --target $(PROGRAMS)
	tools/demo/run.sh build/bin build/run

bench: setup  ## measure journal and engine against bare SQLite, optimised
	cmake --preset release --log-level=WARNING
	cmake --build --preset release -j $(JOBS) --target $(BENCHES)
	@for bench in $(BENCHES); do echo "== $$bench"; build-release/bin/$$bench || exit 1; done

lint: configure  ## formatting, house rules, clang-tidy
	clang-format-14 --dry-run -Werror $(SOURCES)
	python3 -B tests/lint/house_lint.py
	tests/lint/tidy.sh build $(JOBS)

fuzz: setup  ## look for inputs that crash the journal, FUZZ_SECONDS (60) for each target
	cmake --preset fuzz --log-level=WARNING
	cmake --build --preset fuzz -j $(JOBS)
	tests/fuzz/run.sh build-fuzz $(FUZZ_SECONDS)

format:  ## format all C++ in place
	clang-format-14 -i $(SOURCES)

clean:  ## remove all build directories
	rm -rf build build-release build-asan build-tsan build-fuzz
