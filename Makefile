# Everything runs in .venv, made from the locked requirements; settings of the checks are in pyproject.toml.
PYTHON ?= python3
BIN = .venv/bin
ARGS ?=
FIRST ?= $(shell date +%s)

UV ?= uv
COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url
HELM = .venv/helm/helm
CHART = deploy/helm/redcat

.PHONY: pictures install demo test lint bench real chaos fuzz schemas locks deploy helm

install: .venv/installed

demo: install
	@# On a terminal all of it stays to be looked at, with flowing traffic, until Ctrl-C.
	$(BIN)/redcat demo $$(test -t 1 && test -t 2 && echo --stay) $(ARGS)

test: install
	@# What pytest has made of the test modules is kept, for each of its processes and for the next run.
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest $(ARGS)

lint: install
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: install
	$(BIN)/python -m bench $(ARGS)

real: install
	$(BIN)/python -m bench.real $(ARGS)

chaos: install
	$(BIN)/python -m tests.chaos $(ARGS)
	$(BIN)/python -m tests.fuzz --seconds 60 --first $(FIRST)

fuzz: install
	$(BIN)/python -m tests.fuzz $(ARGS)

pictures: install
	$(BIN)/python -m bench.dashboard --pictures

schemas: install
	$(BIN)/redcat schemas --write docs/schemas

# The first for developers, the others for the image: what runs, and what builds.
locks:
	$(COMPILE) pyproject.toml --extra local --extra dev -o requirements.lock
	$(COMPILE) pyproject.toml -c requirements.lock --custom-compile-command "make locks" -o deploy/requirements.lock
	echo "hatchling>=1.27" | $(COMPILE) - -c requirements.lock --custom-compile-command "make locks" -o deploy/build.lock

# With promtool (Debian: prometheus) and docker-compose.
deploy:
	promtool check config deploy/prometheus/prometheus.yml
	promtool test rules deploy/prometheus/tests.yml
	docker-compose -f docker-compose.yml config --quiet

# Builds helm the first time, with Go, in about four minutes.
helm: $(HELM)
	for values in all least; do \
	  $(HELM) lint --strict $(CHART) --values $(CHART)/ci/$$values.yaml && \
	  $(HELM) template redcat $(CHART) --kube-version 1.33 --values $(CHART)/ci/$$values.yaml >.venv/helm/$$values.yaml && \
	  $(BIN)/python -m tests.deploy.manifests .venv/helm/$$values.yaml || exit 1; \
	done

$(HELM):
	GOBIN=$(abspath .venv/helm) go install -ldflags "-s -w" helm.sh/helm/v3/cmd/helm@v3.18.6

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q app streams
	@touch $@
