# Munjigi. `make` alone lists what there is.

.DEFAULT_GOAL := help
.PHONY: help run dev test check bench bench-reservation proof proxy-suite screens erd lighthouse lock clean
.SUFFIXES:
unexport PYTHONDONTWRITEBYTECODE # each of many processes would compile the same again

python := .venv/bin/python
rooms := audit cli config console events examples gateway idp jose migrations notifications pages policy upstreams
# what may make the environment, the best first
pythons := python3.13 python3.12 python3.11 python3
installed := .venv/.installed
installed_for_tests := .venv/.installed-for-tests
installed_clients := tests/clients/node_modules/.package-lock.json
installed_peer := benchmarks/oidc_provider/node_modules/.package-lock.json

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

run: $(installed) ## start everything on this machine and print where to go
	@exec .venv/bin/munjigi up

dev: $(installed_for_tests) ## as run, with readable logs; the services start again when their code changes
	@exec env MUNJIGI_LOG__FORMAT=console .venv/bin/munjigi up --reload

test: $(installed_for_tests) browser nginx haproxy $(installed_clients) ## run the whole suite, with real engines and a real browser (ARGS='tests/idp -k takeover')
	$(python) -m pytest -q -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(installed_for_tests) ## style, types, import contracts, migrations up and down, examples in the docs
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	.venv/bin/lint-imports
	$(python) -m pytest -q tests/architecture tests/migrations tests/docs

bench: $(installed_for_tests) nginx wrk $(installed_peer) ## measure against peers in the same run; writes benchmarks/results.json
	$(python) -m benchmarks $(ARGS)

bench-reservation: $(installed_for_tests) ## compare every way of reserving a hot item, in one run
	$(python) -m benchmarks reservation

proof: $(installed_for_tests) browser nginx wrk $(installed_clients) ## run the long proofs that `make test` leaves out
	$(python) -m pytest -m proof $(ARGS)

proxy-suite: $(installed_for_tests) ## try any gateway from outside (TARGET=http://host:port ORIGIN=127.0.0.1:port ARGS='--describe gateway.toml')
	$(python) -m tests.proxy_suite --target $(TARGET) --origin $(ORIGIN) $(ARGS)

screens: $(installed_for_tests) browser korean ## take the pictures of docs/screens.md anew
	@mkdir -p docs/pictures/screens
	SCREENS=docs/pictures/screens $(python) -m pytest -q tests/browser/test_question_3.py tests/browser/test_question_5.py tests/browser/test_question_5_idle.py tests/browser/test_provider_pages.py

erd: $(installed) ## draw the entity-relationship diagrams from the live schema, and write docs/data-model.md
	.venv/bin/munjigi reference --diagrams

lighthouse: $(installed_for_tests) browser npm ## Lighthouse's accessibility score of every page; wants 100
	npm ci --prefix tests/lighthouse --no-audit --no-fund --silent
	$(python) -m pytest -q -s -m lighthouse tests/lighthouse $(ARGS)

lock: $(installed_for_tests) ## choose the versions of all dependencies anew, with their hashes
	$(python) -m venv --clear .venv/lock
	.venv/lock/bin/pip install --quiet --disable-pip-version-check uv
	.venv/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --output-file requirements.lock pyproject.toml
	.venv/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --extra test --extra bench \
		--constraint requirements.lock --output-file requirements-test.lock pyproject.toml

clean: ## remove the environment; the data under var/ stay
	rm -rf .venv *.egg-info build

# The environment: made from the lock alone, each package checked against its hash.

$(installed): requirements.lock pyproject.toml
	@$(make_environment)
	$(python) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(python) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(python) -m compileall -q $(wildcard $(rooms)) && touch $@

$(installed_for_tests): requirements-test.lock $(installed)
	$(python) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@

# What comes by npm: by its lock alone, which has the hash of each package; npm writes the target.
%/node_modules/.package-lock.json: %/package-lock.json %/package.json | npm
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund --silent
	@touch $@

define make_environment
if $(python) -c 'import pip' 2>/dev/null; then exit 0; fi; \
for python in $(pythons); do \
	if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "making .venv with $$python"; exec $$python -m venv --clear .venv; \
	fi; \
done; \
echo "make: Munjigi needs Python 3.11 or newer, with its venv module (on Debian: apt-get install python3-venv)." >&2; exit 1
endef

# What the tests need of the machine.

.PHONY: browser korean nginx haproxy wrk npm
# Chromium's headless shell takes a third of the processor time; where it cannot be had, the whole one does all of it
browser:
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || \
		$(call install_from_debian,chromium,the browser tests need Chromium)
	@command -v chromium-headless-shell >/dev/null || [ "$$(id -u)" != 0 ] || \
		( $(call install_from_debian,chromium-headless-shell,it is lighter) ) 2>/dev/null || true
	@$(python) -m playwright --version >/dev/null 2>&1 || \
		$(call install_from_debian,libatomic1,the program that drives the browser needs libatomic)

korean:
	@fc-list :lang=ko 2>/dev/null | grep -q . || $(call install_from_debian,fontconfig fonts-nanum,the pictures show Korean)

nginx:
	@command -v nginx >/dev/null || test -x /usr/sbin/nginx || $(call install_from_debian,nginx,nginx stands before the provider in tests, and is measured against)

haproxy:
	@command -v haproxy >/dev/null || test -x /usr/sbin/haproxy || $(call install_from_debian,haproxy,HAProxy stands beside the gateway in the suite of proxies)

wrk:
	@command -v wrk >/dev/null || $(call install_from_debian,wrk,wrk makes the load of the benchmarks)

npm:
	@command -v npm >/dev/null || $(call install_from_debian,npm,client libraries and Lighthouse run on Node.js and come by npm)

install_from_debian = \
	{ if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing $(1)"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1) >/dev/null; \
	else echo "make: $(2), which is not installed; as root: apt-get install $(1)" >&2; exit 1; fi; }
