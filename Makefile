# `make demo` and `make test` need nothing but Python 3.10+, pip and a C++17 compiler.
PYTHON ?= python3
DEMO := .venv-demo
TEST := .venv-test
DOCS := .venv-docs
SOURCES := $(wildcard csrc/*) $(shell find lamoo_fast -name '*.py*' -not -path '*/__pycache__/*')
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1

BENCH := .venv-bench
KERNELS := hypervolume contributions approx mask ranks dominance_count archive small threads

.PHONY: demo test test-native test-installed test-rest test-beside lint bench bench-cost bench-selection bench-tree study ablation docs clean

# The main job: search NAS-Bench-201 on the real table, pictures in results/nasbench201.
demo: $(DEMO)/ready
	rm -rf results/nasbench201
	$(DEMO)/bin/lamoo search nasbench201 --budget 200 --seed 0 --out results/nasbench201

$(DEMO)/ready: pyproject.toml setup.py $(SOURCES)
	$(PYTHON) -m venv $(DEMO)
	rm -rf build
	$(DEMO)/bin/pip install '.[tables]'
	touch $@

# Everything that CI runs. The native tests need no package, and begin while those are installed;
# about half of the others run beside the rest. Threads of PyTorch would only wait for each other.
BESIDE := test_nas_*.py test_resume.py test_b*.py test_constraints.py test_docs.py test_cli.py
test:
	$(PYTHON) -m venv --clear $(TEST)
	rm -rf build dist
	$(TEST)/bin/pip install 'pytest>=8'
	OMP_NUM_THREADS=1 $(MAKE) -j3 test-native test-rest test-beside

test-native:
	$(TEST)/bin/pytest --noconftest tests/test_native.py

test-installed:
	$(TEST)/bin/pip wheel --no-deps --wheel-dir dist .
	$(TEST)/bin/pip install -c constraints.txt "$$(echo dist/*.whl)[test,lint]"
	$(MAKE) lint BIN=$(TEST)/bin/

# The tests see the wheel in site-packages, not the source tree: from tests/, `import lamoo_fast`
# finds nothing else.
test-rest: test-installed
	cd tests && ../$(TEST)/bin/pytest --ignore=test_native.py $(BESIDE:%='--ignore-glob=%')

test-beside: test-installed
	cd tests && { ../$(TEST)/bin/pytest $(BESIDE) > ../$(TEST)/beside.log 2>&1; \
	  beside=$$?; cat ../$(TEST)/beside.log; exit $$beside; }

# The site of documentation, in results/docs.
docs:
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install -c constraints.txt '.[docs]'
	$(DOCS)/bin/python -m sphinx -qW -b html docs results/docs

# Every kernel beside the best rivals, about 10 minutes; results in results/bench. All cells: FULL=1.
bench: $(BENCH)/ready
	for kernel in $(KERNELS); do $(BENCH)/bin/python bench/bench_$$kernel.py $(if $(FULL),--full) || exit; done
	$(BENCH)/bin/python bench/bench_approx.py --coverage
	$(BENCH)/bin/python bench/summary.py

# Cost of hypervolumes against the number of objectives and points, as a picture.
bench-cost: $(BENCH)/ready
	$(BENCH)/bin/python bench/hv_cost.py

# Hypervolumes and seconds of an ask, path against leaf selection, 2 to 15 objectives.
bench-selection: $(BENCH)/ready
	$(BENCH)/bin/python bench/bench_selection.py

# Candidates filtered along a path of the partition, and the time to build it.
bench-tree: $(BENCH)/ready
	$(BENCH)/bin/python bench/bench_tree.py

# Every method on every problem, days; goes on with what bench/runs/search lacks, and reports there.
study: $(BENCH)/ready
	$(BENCH)/bin/python bench/search.py

# What each part of the search contributes, hours; likewise in bench/runs/ablation.
ablation: $(BENCH)/ready
	$(BENCH)/bin/python bench/ablation.py

$(BENCH)/ready: pyproject.toml setup.py $(SOURCES)
	$(PYTHON) -m venv $(BENCH)
	rm -rf build
	$(BENCH)/bin/pip install '.[bench]'
	touch $@

BIN ?=
lint:
	$(BIN)ruff check
	$(BIN)ruff format --check
	$(BIN)mypy

clean:
	rm -rf build dist results $(DEMO) $(TEST) $(BENCH) *.egg-info
