# `make help` lists what there is. Nothing here needs more than make, python3 >= 3.11 and,
# for the local cluster, go >= 1.26; the rest is fetched, built and cached.
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.9
NAME ?= demo
PORT ?= 8080
TEST_PORT ?= 18080
VENV := .venv/.ready

export PYTHONPATH := $(CURDIR)/cluster
CLUSTER := $(PYTHON) -m modelyard_cluster
DEV := $(PYTHON) -m modelyard_dev

.DEFAULT_GOAL := help
.PHONY: help demo test unit lint verify generate cluster images install bench bench-inference bench-lifecycle bench-api bench-operator bench-training matcher soak transcripts env status down

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## from nothing to a prediction: cluster, images, install, examples (PORT=8080)
	@$(DEV) demo --name $(NAME) --port $(PORT)

test: $(VENV) ## everything: unit tests, then a real cluster of their own (TEST_PORT=18080)
	@$(DEV) test --port $(TEST_PORT) $(if $(TESTS),-- $(TESTS))

unit: $(VENV) ## the tests that need no cluster
	@.venv/bin/python -m pytest

lint: $(VENV) ## format, style, types, layers, generated files
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy crds operator inference_image api cluster tests bench
	@.venv/bin/lint-imports
	@.venv/bin/python -m modelyard_crds.generate --check

generate: $(VENV) ## CRDs, chart copies and reference from the types
	@.venv/bin/python -m modelyard_crds.generate

cluster: ## a Kubernetes cluster (NAME=demo PORT=8080, CONTEXT=… for one of your kubeconfig)
	@$(CLUSTER) up --name $(NAME) --port $(PORT)

images: ## the container images of this checkout
	@$(DEV) images

install: ## the chart, with the images of this checkout, on the cluster
	@$(DEV) install --name $(NAME) --port $(PORT)

bench: bench-inference bench-lifecycle bench-operator ## all measurements, into bench.json and on the screen

bench-inference: $(VENV) ## predictions of one pod, beside its peers
	@.venv/bin/python bench/inference.py

bench-lifecycle: $(VENV) ## from a table of 1,000 rows to its first prediction, on the cluster
	@$(DEV) install --name $(NAME) --port $(PORT)
	@eval "$$($(DEV) env --name $(NAME) --port $(PORT))" && .venv/bin/python bench/lifecycle.py

bench-api: $(VENV) ## what the façade adds to a prediction, and reads of 5,000 models (MINUTES=10 for memory)
	@.venv/bin/python bench/api.py $(if $(MINUTES),--minutes $(MINUTES))

bench-operator: $(VENV) ## the operator with many models on simulated nodes (SIZES=100,1000,5000)
	@.venv/bin/python bench/operator_scale.py --plot docs/operator-scale.svg $(if $(SIZES),--sizes $(SIZES))

bench-training: $(VENV) ## models of real tables, beside default boosting and FLAML (BUDGET=10 TABLES=30)
	@.venv/bin/python bench/training.py --budget $(or $(BUDGET),10) --splits $(or $(SPLITS),1) \
	  --most $(or $(TABLES),30) $(if $(FRESH),--fresh)

matcher: $(VENV) ## learn the model that reads intents anew; an hour
	@.venv/bin/python bench/train_matcher.py

soak: $(VENV) ## the campaigns in their full size, on the cluster NAME; hours (TESTS=tests/soak SCALE=0.1)
	@eval "$$($(DEV) env --name $(NAME) --port $(PORT))" && \
	  export MODELYARD_SYSTEM_NAMESPACE=modelyard-system && \
	  MODELYARD_SOAK_SCALE=$(or $(SCALE),1) .venv/bin/python -m pytest -m soak $(or $(TESTS),tests)

transcripts: $(VENV) ## docs/troubleshooting.md, from failures brought about on the cluster
	@$(DEV) install --name $(NAME) --port $(PORT)
	@eval "$$($(DEV) env --name $(NAME) --port $(PORT))" && \
	  MODELYARD_SYSTEM_NAMESPACE=modelyard-system .venv/bin/python tests/transcripts.py

env: ## lines for: eval "$(make -s env)"
	@$(DEV) env --name $(NAME) --port $(PORT)

status: ## how each part of the cluster is
	@$(CLUSTER) status --name $(NAME)

down: ## remove the cluster and all that it started; the cache stays (ALL=1 for every one)
	@$(CLUSTER) down $(if $(ALL),--all,--name $(NAME))

$(VENV): pyproject.toml uv.lock
	@echo "Python environment: .venv, from uv.lock"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Modelyard needs python3 >= 3.11; set PYTHON=…")'
	@test -x .venv/bin/pip || $(PYTHON) -m venv .venv 2>/dev/null || { \
	  echo "Installing Debian package: python3-venv"; \
	  apt-get install -y -q python3-venv >/dev/null && $(PYTHON) -m venv --clear .venv; } || { \
	  echo "This Python cannot make environments; install its venv module, or set PYTHON=…"; exit 1; }
	@.venv/bin/python -m pip install --quiet uv==$(UV_VERSION)
	@.venv/bin/uv sync --quiet --locked
	@touch $@
