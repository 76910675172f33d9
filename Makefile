# make run   open the app (sets itself up on a fresh machine)
# make test  ruff, mypy and the tests that are not slow ones (sets itself up, the browser too)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run test test-with-browser test-without-browser slow late bench check setup setup-dev browser clean

run: setup
	$(BIN)/python app.py $(ARGS)

# What drives a browser beside what does not; with ARGS what they choose, in one go.
test: setup-dev browser check
ifeq ($(strip $(ARGS)),)
	$(MAKE) --no-print-directory -j 2 test-with-browser test-without-browser
else
	$(BIN)/python -m pytest $(ARGS)
endif

test-with-browser: setup-dev browser
	$(BIN)/python -m pytest -m "not slow" tests/browser

test-without-browser: setup-dev
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --ignore tests/browser

slow: setup-dev browser
	$(BIN)/python -m pytest -m slow $(ARGS)

# What drives a browser, with every answer of the server late and every page slow.
late: setup-dev browser
	$(BIN)/python -m pytest -p tests.browser.late_answers -p tests.browser.slow_pages -m "not slow and browser" $(ARGS)

bench: setup-dev browser
	for name in word2vec explorer simclr attention language pretext mae clip first_page crowd answers; do $(BIN)/python -m tests.benchmarks $$name --json $(ARGS) || exit 1; done

check: setup-dev
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

$(VENV)/.installed: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -q -r requirements.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/pip install --disable-pip-version-check -q -r requirements-dev.txt
	touch $@

# A Chromium of the system's, else Debian's package, else Playwright's own build.
browser: setup-dev
	@$(BIN)/python -m tests.browser.chromium || \
	  { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } || \
	  $(BIN)/python -m playwright install chromium

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
