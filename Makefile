# ReelScribe. `make help` lists what there is.
#
# `demo` and `test` need only a Swift toolchain: they install the system libraries that are missing, build, and run.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
SWIFT ?= swift
REELSCRIBE := .build/release/reelscribe
CLIP := Samples/sample-world.mp4
QUESTION := When does the orange triangle appear?
BENCH ?= --size 2b

# One configuration for everything, so that nothing is built twice. `swift test` on its own would build the whole package
# again, with testable imports that no test here uses; hence the tests are built first and then run as they are.
BUILD := $(SWIFT) build -c release
TEST := $(SWIFT) test -c release --skip-build --disable-xctest

.PHONY: help demo test build bench lint format install clean setup sanitize pipelines

help:  ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build  ## Summarize a sample clip and draw a contact sheet of it, from a fresh clone
	@mkdir -p demo-output
	@echo
	@echo "== What is looked at: $(REELSCRIBE) frames $(CLIP) --contact-sheet demo-output/contact-sheet.png"
	@$(REELSCRIBE) frames $(CLIP) --contact-sheet demo-output/contact-sheet.png --output demo-output/frames.json
	@echo
	@echo "== What the model says: $(REELSCRIBE) summarize $(CLIP) --text"
	@$(REELSCRIBE) summarize $(CLIP) --text
	@echo
	@echo "== A question: $(REELSCRIBE) ask $(CLIP) '$(QUESTION)' --text"
	@$(REELSCRIBE) ask $(CLIP) '$(QUESTION)' --text
	@echo
	@echo "== The same as documents: $(REELSCRIBE) summarize $(CLIP) --output demo-output/summary.json"
	@$(REELSCRIBE) summarize $(CLIP) --output demo-output/summary.json
	@$(REELSCRIBE) export demo-output/summary.json --output demo-output/summary.html
	@echo
	@echo "Look at:"
	@echo "  demo-output/contact-sheet.png  the frames that were taken, each with its time"
	@echo "  demo-output/frames.json        their exact times, the pairs they form, the number of visual tokens"
	@echo "  demo-output/summary.json       the summary as a document, with everything that it rests on"
	@echo "  demo-output/summary.html       the same as a page, with the video beside it"
	@echo "  Samples/README.md              what the clip really shows, and when"
	@echo "A file of your own:  $(REELSCRIBE) summarize FILE --model Qwen/Qwen2-VL-2B-Instruct"
	@echo "                     (the sample model knows drawn shapes alone; README.md tells how to fetch a real one)"

test: setup  ## Build and run all tests
	@$(BUILD) --build-tests
	@$(TEST)

build: setup  ## Build the program, .build/release/reelscribe
	@$(BUILD) --product reelscribe

pipelines: build  ## Test Pipelines with real Ray and Spark (1.2 GB of Python packages, kept outside)
	@Pipelines/test.sh

bench: build  ## Measure this machine (BENCH='--size 7b --layers 4' for another model)
	@$(REELSCRIBE) bench $(BENCH)

lint:  ## Check the layout of the code
	@$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift

format:  ## Put the code into its layout
	@$(SWIFT) format format --in-place --recursive --parallel Sources Tests Package.swift

install: build  ## Install the program, its default model and its job files (PREFIX=/usr/local, DESTDIR=)
	install -D -m 755 $(REELSCRIBE) $(DESTDIR)$(PREFIX)/bin/reelscribe
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/reelscribe/model Samples/model/*.json Samples/model/*.safetensors
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/reelscribe/jobs Pipelines/*.yaml
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/reelscribe/LICENSE

clean:  ## Remove what was built
	$(SWIFT) package clean
	rm -rf demo-output

setup:
	@.ci/setup

# Small cases of everything that touches C, under each sanitizer in turn. The trace of the chain is among them.
SANITIZED := 'ComputeTests|Engine|PairPreprocessor|Resampler|FixtureTests|HostileTests|ChainTests'

sanitize: setup  ## Run the tests of the C code under the address and the thread sanitizer
	@for kind in address thread; do \
	    options="-c release --sanitize=$$kind --scratch-path .build/$$kind"; \
	    $(SWIFT) build $$options --build-tests && \
	    LSAN_OPTIONS=suppressions=.ci/leaks.supp \
	    $(SWIFT) test $$options --skip-build --disable-xctest --filter $(SANITIZED) || exit 1; \
	done
