# `make demo` and `make test` need nothing but Python 3.10+, pip and a C++17 compiler.
PYTHON ?= python3
DEMO := .venv-demo
TEST := .venv-test
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1

.PHONY: demo test lint bench clean

# The main job: search NAS-Bench-201 on the real table, pictures in results/nasbench201.
demo: $(DEMO)/ready
	rm -rf results/nasbench201
	$(DEMO)/bin/lamoo search nasbench201 --budget 200 --seed 0 --out results/nasbench201

$(DEMO)/ready: pyproject.toml setup.py $(wildcard csrc/*) $(shell find lamoo_fast -name '*.py*' -not -path '*/__pycache__/*')
	$(PYTHON) -m venv $(DEMO)
	rm -rf build
	$(DEMO)/bin/pip install '.[nas]'
	touch $@

# Everything that CI runs. The tests see the wheel in site-packages, not the source tree.
test:
	$(PYTHON) -m venv --clear $(TEST)
	rm -rf build dist
	$(TEST)/bin/pip wheel --no-deps --wheel-dir dist .
	$(TEST)/bin/pip install -c constraints.txt "$$(echo dist/*.whl)[test,lint]"
	$(MAKE) lint BIN=$(TEST)/bin/
	cd tests && ../$(TEST)/bin/pytest  # from there, `import lamoo_fast` finds the wheel only

BIN ?=
lint:
	$(BIN)ruff check
	$(BIN)ruff format --check
	$(BIN)mypy

clean:
	rm -rf build dist results .venv-demo .venv-test *.egg-info
