# FX risk workbench. `make` alone lists what there is to do; `make run` and `make test` set up everything themselves.

SHELL := bash
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export WORKBENCH_HOME ?= $(CURDIR)/var

.DEFAULT_GOAL := help
.PHONY: help setup run weekly monthly schedule drill test test-browser pictures soak check bench bench-smoke lab lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the environment in .venv from the lock (PYTHON=... picks another Python, 3.11 or newer)

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "no '$(PYTHON)' found: install Python 3.11 or newer, or run: make setup PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v >= (3, 11) else "Python 3.11 or newer is needed, but $(PYTHON) is %d.%d; install one and run: make setup PYTHON=/path/to/python3.12" % v)'
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "[1/3] making $(VENV) with $$($(PYTHON) --version)"; \
	  $(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "could not make $(VENV); on Debian or Ubuntu: apt install python3-venv"; exit 1; }; }
	@echo "[2/3] installing $$(grep -c -E '^[a-zA-Z0-9].*==' requirements.lock) locked packages; the first time takes a few minutes"
	@set -o pipefail; seen=0; \
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off --require-hashes -r requirements.lock \
	  | while read -r line; do case "$$line" in \
	      Collecting*|Processing*) seen=$$((seen + 1)); if [ $$((seen % 25)) = 0 ]; then echo "      $$seen packages fetched"; fi;; \
	      "Installing collected"*) echo "      unpacking $$seen packages";; \
	    esac; done
	@echo "[3/3] installing the workbench itself and its notebook kernel"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m ipykernel install --prefix $(VENV) --name workbench --display-name "FX risk workbench" >/dev/null 2>&1
	@touch $@

run: setup ## main job: data, models, regimes, a calibration adopted or refused, the report (ARGS="--as-of 2008-10-27")
	$(BIN)/workbench daily $(ARGS)

weekly: setup ## the grid of strategies: swept, walked forward, tested together, ten chosen, the report (ARGS="--grid mine.toml")
	$(BIN)/workbench select $(ARGS)

monthly: setup ## the drill as a run with its report: every control on paper, channels, people (ARGS="--due")
	$(BIN)/workbench monthly $(ARGS)

schedule: setup ## print the crontab of the daily, weekly and monthly run (ARGS="--systemd" for timers)
	@$(BIN)/workbench schedule $(ARGS)

drill: setup ## every control fired on a paper account, every channel tried, those on call paged (ARGS="--due")
	$(BIN)/workbench drill $(ARGS)

test: setup ## all tests but those that drive a browser (ARGS="-k drawdown")
	$(BIN)/pytest -m "not browser" $(ARGS)

test-browser: setup ## tests that drive a real Chromium (needs chromium and chromedriver)
	$(BIN)/pytest -m browser $(ARGS)

pictures: setup ## the README's pictures of the risk monitor, from a real loop and page (needs chromium and chromedriver)
	$(BIN)/python tests/browser/pictures.py

soak: setup ## thousands of simulated worlds full of faults, every planted bug, real processes killed; renews docs/reliability.md (ARGS="--seeds 100000")
	$(BIN)/python tests/faults/campaign.py --processes 2 --report docs/reliability.md $(ARGS)

check: setup ## format, lint, types, import contracts, house style, clean notebooks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture
	@notebooks="$$(find notebooks -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*')"; \
	if [ -n "$$notebooks" ]; then echo "$(BIN)/nbstripout --verify on notebooks/"; $(BIN)/nbstripout --verify $$notebooks; fi

bench: setup ## every benchmark beside its peer, ratios printed
	$(BIN)/python benchmarks/run.py $(ARGS)

bench-smoke: setup ## the benchmarks on small inputs: do they still run?
	$(BIN)/python benchmarks/run.py --smoke $(ARGS)

lab: setup ## JupyterLab on notebooks/, kernel "FX risk workbench"
	$(BIN)/jupyter lab --notebook-dir=notebooks $(ARGS)

lock: setup ## resolve pyproject.toml into requirements.lock again (then bring environment.yml into line)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header -q -o requirements.lock

clean: ## remove caches; what the workbench wrote (var/) and the environment (.venv/) stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks notebooks -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
