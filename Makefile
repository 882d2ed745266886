# Every target sets up what it needs. ARGS="…" goes on to the program; each has --help:
#   make demo ARGS="--users 5000 --quantity 500"
# A program that needs servers finds those of a running `make stack` by itself, other ones through
# the environment, or through ENV=file with export lines.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Not named PYTHON: local/setup.sh takes that as the interpreter to make .venv with.
VENV_PYTHON := .venv/bin/python
CACHES := out .pytest_cache .mypy_cache .ruff_cache .hypothesis .chalice/deployments

SAM := out/infra/application.yaml
TEMPLATES := infra/account.yaml infra/network.yaml infra/data.yaml infra/operations.yaml \
	infra/images.yaml infra/containers.yaml infra/cdn.yaml infra/durable-valkey.yaml \
	$(SAM) out/infra/application.json

# Containers often forbid bytecode. Then each of the hundred programs that tests start, and each of
# their workers, would compile everything again.
test test-kafka test-mysql test-cluster controls: export PYTHONDONTWRITEBYTECODE =

# USER and ENV mean something else in every environment: only the command line counts.
given = $(if $(filter command,$(origin $(1))),$($(1)))
TOKEN_USER = $(call given,USER)
STACK_SETTINGS := out/stack.env
SETTINGS_FILE = $(or $(call given,ENV),$(if $(REDIS_URL),,$(wildcard $(STACK_SETTINGS))))
WITH_SETTINGS = $(if $(SETTINGS_FILE),set -a && . "$(abspath $(SETTINGS_FILE))" && set +a &&)
# `make up` writes down how its servers are reached: for commands that look at them or repair them,
# not for programs, of which the containers have their own.
CONTAINER_SETTINGS := out/containers.env
OPERATED = $(or $(SETTINGS_FILE),$(if $(REDIS_URL),,$(wildcard $(CONTAINER_SETTINGS))))
WITH_OPERATED = $(if $(OPERATED),set -a && . "$(abspath $(OPERATED))" && set +a &&)
# Servers that run elsewhere need no MariaDB on this machine.
DEMO_SETUP = $(if $(filter compose env --servers=compose --servers=env,$(ARGS)),python,setup)
# Tests mostly wait, so several run side by side, each worker on servers of its own; given servers
# are for one at a time. Which worker begins with what: tests/support/dealing.py.
workers = $(if $(REDIS_URL),,-n $(1) --dist worksteal)

.PHONY: help
help:  ## this list
	@awk -F ':.*## +' '/^[a-z-]+:.*## /{printf "make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: setup python database
setup: python database  ## Python packages into .venv, MariaDB from the system
# To stderr, so that `make token` and `make stack` print only their own output.
python:
	@local/setup.sh python >&2
database:
	@local/setup.sh database >&2

.PHONY: demo run unit test test-kafka test-mysql test-cluster faults controls fuzz soak simulate
demo: $(DEMO_SETUP)  ## the main job: 1,000 people at once, 100 coupons (ARGS="--servers compose")
	@$(VENV_PYTHON) -m local.demo $(ARGS)
run: $(DEMO_SETUP)  ## everything at once, with pages and a campaign that opens in 30 s (ARGS="--people 2000")
	@$(VENV_PYTHON) -m local.run $(ARGS)
unit: python  ## the unit tests alone, without any server: some fifteen seconds (ARGS="-k words")
	@$(VENV_PYTHON) -m pytest -n 2 tests/unit $(ARGS)
test: setup  ## every test on Valkey, Tansu and MariaDB (ARGS="-k words")
	@$(VENV_PYTHON) -m pytest $(call workers,6) $(ARGS)
test-kafka: setup  ## integration and end-to-end tests on Apache Kafka 4 (Java 17+, Maven)
	@TEST_KAFKA=apache $(VENV_PYTHON) -m pytest $(call workers,3) tests/integration tests/e2e $(ARGS)
# Not in UTC, which would hide a mistake; without the tz database, which may be missing.
test-mysql: python  ## integration, end-to-end and contract tests on MySQL 8 as it comes (Maven)
	@MYSQLD=$$($(VENV_PYTHON) -m local.servers.mysql) && export MYSQLD TZ=KST-9 \
		&& $(VENV_PYTHON) -m pytest $(call workers,4) tests/integration tests/e2e tests/contract $(ARGS)
test-cluster: setup  ## integration and end-to-end tests on a Redis cluster, three primaries and three replicas
	@TEST_REDIS=cluster $(VENV_PYTHON) -m pytest $(call workers,4) tests/integration tests/e2e $(ARGS)
faults: setup  ## histories of faults on real servers and programs (N=1000, SEED=7, KAFKA=apache, REDIS=replicas or cluster)
	@$(VENV_PYTHON) -m tests.faults.campaign \
		--histories $(or $(call given,N),$(if $(call given,SEED),1,60)) \
		--seed $(or $(call given,SEED),1) --kafka $(or $(call given,KAFKA),tansu) \
		--redis $(or $(call given,REDIS),single) $(ARGS)
controls: setup  ## campaign and simulation notice when a guard of the service is taken away
	@$(VENV_PYTHON) -m pytest $(call workers,2) tests/faults/test_controls.py \
		tests/faults/test_life_controls.py \
		tests/faults/test_acceptor_controls.py tests/simulation/test_controls.py \
		tests/simulation/test_acceptor.py $(ARGS)
simulate: setup  ## orders of steps and faults, many thousand a minute, in process (MINUTES=10 SEED=1)
	@$(VENV_PYTHON) -m tests.simulation.simulate --minutes $(or $(call given,MINUTES),1) \
		$(if $(call given,SEED),--seed $(call given,SEED)) $(ARGS)
fuzz: setup  ## hostile requests at handlers and gateway (N=20000 SEED=1)
	@$(VENV_PYTHON) -m tests.fuzz.campaign --requests $(or $(call given,N),20000) \
		--seed $(or $(call given,SEED),1) $(ARGS)
soak: setup  ## a steady load for MINUTES (10), what it does to memory and files (ARGS="--rate 200")
	@$(VENV_PYTHON) -m local.soak $(if $(call given,MINUTES),--minutes $(call given,MINUTES)) $(ARGS)

.PHONY: openapi test-openapi schemathesis test-clients
openapi: python  ## docs/openapi.json of the route table (ARGS=--check compares only)
	@$(VENV_PYTHON) -m local.openapi $(ARGS)
test-openapi: setup .venv-api/installed  ## schemathesis: gateway and chalice local answer as openapi.json says: two minutes
	@$(VENV_PYTHON) -m pytest tests/openapi $(ARGS)
schemathesis: setup .venv-api/installed  ## the same for as long as you like (MINUTES=10 N=1000 SEED=1 ARGS="--server chalice")
	@$(VENV_PYTHON) -m tests.openapi.explore $(if $(call given,N),--examples $(call given,N)) \
		$(if $(call given,MINUTES),--minutes $(call given,MINUTES)) \
		$(if $(call given,SEED),--seed $(call given,SEED)) $(ARGS)
test-clients: setup .venv-api/installed  ## generated clients for Python and TypeScript compile and work (Node 18+, npm)
	@$(VENV_PYTHON) -m pytest tests/clients $(ARGS)

.PHONY: test-observability
test-observability: setup  ## metrics of running programs, alerts and board, with promtool and Prometheus: a minute or two
	@local/setup.sh prometheus
	@$(VENV_PYTHON) -m pytest $(call workers,2) tests/observability $(ARGS)

.PHONY: load test-load bench
load: $(DEMO_SETUP) .venv-load/installed  ## a promotion's day: countdown, burst, retries, in Locust (USERS=1000 QUANTITY=100 UI=1)
	@$(WITH_SETTINGS) $(VENV_PYTHON) -m local.load \
		$(if $(call given,USERS),--users $(USERS)) \
		$(if $(call given,QUANTITY),--quantity $(QUANTITY)) \
		$(if $(call given,UI),--ui) $(ARGS)
test-load: python .venv-load/installed  ## the load test's users in Locust itself, against a fake shop
	@.venv-load/bin/python -m pytest -c tests/load/pytest.ini tests/load $(ARGS)
bench: setup  ## throughput and latency beside baselines, out/bench/bench.md (ARGS="--quick")
	@$(VENV_PYTHON) -m bench.run $(ARGS)

.PHONY: lab test-lab test-lab-ten test-course
lab: setup  ## nine stages of one coupon system, judged under faults (STAGE=4, MINE=my_stage.py, START=4, HOLD=1)
	@$(VENV_PYTHON) -m lab $(if $(call given,STAGE),--stage $(STAGE)) \
		$(if $(call given,MINE),--mine $(MINE)) $(if $(call given,START),--start $(START)) \
		$(if $(call given,HOLD),--hold) $(ARGS)
test-lab: setup  ## the lab's judge, its stages on real servers, and the playground in Chromium: two minutes
	@$(VENV_PYTHON) -m pytest $(call workers,2) tests/lab $(foreach file,$(COURSE) $(TEN_RUNS),--ignore $(file)) $(ARGS)
TEN_RUNS := tests/lab/test_ten_runs.py
test-lab-ten: setup  ## each stage breaks its promise in ten of ten runs, and the next one keeps it: ten minutes
	@$(VENV_PYTHON) -m pytest $(TEN_RUNS) $(ARGS)
# What the pages of the course have the reader type and change: two minutes.
COURSE := tests/lab/test_looks.py tests/lab/test_questions.py
test-course: setup  ## every command and every answer of the course, docs/lab.en.md, on real servers
	@$(VENV_PYTHON) -m pytest $(call workers,2) $(COURSE) $(ARGS)

.PHONY: pages test-pages screenshots
pages: python  ## the pages as static files for a CDN, into out/web (API=https://api.example.com)
	@$(WITH_SETTINGS) $(VENV_PYTHON) -m local.pages $(if $(call given,API),--api $(call given,API)) $(ARGS)
# One worker has the tests that sign in at Keycloak; it is fetched before, which may take a minute.
test-pages: setup  ## the pages in Chromium, over the whole service on real servers (Java 17+, Maven; ARGS="-k words")
	@$(VENV_PYTHON) -m local.issuer --fetch
	@$(VENV_PYTHON) -m pytest $(if $(REDIS_URL),,-n 2 --dist loadgroup) tests/pages $(ARGS)
screenshots: setup  ## the pictures of docs/pages.md, of the pages as they are, over a real burst
	@$(VENV_PYTHON) -m pytest -q tests/pages/screenshots.py $(ARGS)

.PHONY: package
package: python  ## what is deployed, into out/STAGE (STAGE=prod ARGS="--arch arm64")
	@$(VENV_PYTHON) -m infra.package --stage $(or $(call given,STAGE),prod) $(ARGS)

.PHONY: up down
up:  ## everything in containers, ready when this returns (COMPOSE_PROFILES=chalice or observe)
	@local/containers.sh ports
	@local/compose.sh build --quiet migrate
	@wait=$$(local/compose.sh up --help | sed -n 's/^ *\(--wait\) .*/\1/p') \
		&& local/compose.sh up --detach --no-build $$wait $(ARGS) \
		&& { [ -n "$$wait" ] || local/containers.sh wait; }
	@mkdir -p $(dir $(CONTAINER_SETTINGS)) && local/containers.sh settings > $(CONTAINER_SETTINGS)
	@local/containers.sh addresses
down:  ## stop the containers, keep the data (ARGS=--volumes removes it)
	@COMPOSE_PROFILES=chalice,observe local/compose.sh down --remove-orphans $(ARGS)
	@rm -f $(CONTAINER_SETTINGS)

.PHONY: stack migrate api serve poller scheduler rebuild reconcile token
stack: setup  ## Valkey, Kafka and MariaDB without Docker, until Ctrl-C; prints the settings
	@mkdir -p $(dir $(STACK_SETTINGS))
	@$(VENV_PYTHON) -m local.stack --env-file $(STACK_SETTINGS) $(ARGS)
migrate: python  ## schema, MySQL user, topic, epoch
	@$(WITH_OPERATED) $(VENV_PYTHON) -m local.migrate $(ARGS)
api: python  ## chalice local on port 8000
	@$(WITH_SETTINGS) $(VENV_PYTHON) -m local.chalice_local --port 8000 $(ARGS)
serve: python  ## the gateway on port 8000
	@$(WITH_SETTINGS) $(VENV_PYTHON) -m local.serve $(ARGS)
poller: python  ## a consumer of group_1 (ARGS="--processes 2")
	@$(WITH_SETTINGS) $(VENV_PYTHON) -m local.poll_runner $(ARGS)
scheduler: python  ## relay, redrive, rebuild and webhooks, each at its interval
	@$(WITH_SETTINGS) $(VENV_PYTHON) -m local.scheduler $(ARGS)
rebuild: python  ## bring back a Redis that restarted or lost its state, at once
	@$(WITH_OPERATED) $(VENV_PYTHON) -m local.rebuild $(ARGS)
reconcile: python  ## compare Redis with MySQL, name what differs (ARGS="CAMPAIGN --repair")
	@$(WITH_OPERATED) $(VENV_PYTHON) -m local.reconcile $(ARGS)
token: python  ## a development JWT (USER=42, SCOPE=coupon:admin)
	@test -n "$(TOKEN_USER)" || { echo "Whose token? make token USER=42" >&2; exit 2; }
	@$(WITH_OPERATED) $(VENV_PYTHON) -m local.token --user "$(TOKEN_USER)" $(if $(SCOPE),--scope "$(SCOPE)") $(ARGS)

.PHONY: model lint lint-infra test-infra test-helm test-helm-server
model:  ## the protocol, checked exhaustively with Spin (ARGS="--only calm no-confirm", --tell)
	@python3 -m tests.model.check $(ARGS)
lint: python  ## ruff (rules and format), mypy
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
lint-infra: infra-template  ## CloudFormation: cfn-lint and checkov, as SAM and transformed
	@.venv-infra/bin/cfn-lint $(filter-out $(SAM),$(TEMPLATES))
	@# It takes the alias out of the SAM form, and then misses it. The transformed one has it.
	@.venv-infra/bin/cfn-lint --ignore-checks E1019 -- $(SAM)
	@LOG_LEVEL=ERROR .venv-infra/bin/checkov --quiet --compact --skip-download --framework cloudformation --file $(TEMPLATES)
test-infra: infra-template  ## the stacks, created in moto as far as it goes
	@.venv-infra/bin/python -m pytest -c tests/infra/pytest.ini tests/infra $(ARGS)
test-helm: setup .venv-helm/installed  ## the Helm chart: helm, kubeconform, its pods as processes: a minute (Go 1.26+, which builds helm once)
	@$(VENV_PYTHON) -m infra.helm.tools \
		--kubernetes-schemas .venv-helm/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema
	@$(VENV_PYTHON) -m pytest $(call workers,2) tests/helm $(ARGS)
test-helm-server: setup .venv-helm/installed  ## the chart on Kubernetes' own API server and controllers: five minutes (Go 1.26+, which builds them once: a quarter of an hour)
	@$(VENV_PYTHON) -m infra.helm.tools --api-server \
		--kubernetes-schemas .venv-helm/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema
	@$(VENV_PYTHON) -m pytest tests/helm_server $(ARGS)
.PHONY: infra-template
infra-template: python .venv-infra/installed
	@$(VENV_PYTHON) -m infra.application out/infra/application.yaml
	@.venv-infra/bin/python -m infra.transformed out/infra/application.yaml out/infra/application.json
.venv-%/installed: requirements/%.txt
	@$(VENV_PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@
.PHONY: lock audit images
lock: python  ## hashes of what requirements/*.in name, and of all that it needs (ARGS=--upgrade)
	@local/lock.sh $(ARGS)
audit: python  ## known vulnerabilities of every locked version; 3 when no database can be reached
	@$(VENV_PYTHON) -m infra.supply.audit $(ARGS)
images: python  ## container images without a digest; ARGS=--pin writes the digests (Docker)
	@$(VENV_PYTHON) -m infra.supply.images $(ARGS)
.PHONY: fmt clean
fmt: python  ## ruff's format and its safe fixes
	@.venv/bin/ruff check --fix-only
	@.venv/bin/ruff format
clean:  ## remove what runs and tests left (not .venv, not local/.env)
	@rm -rf $(CACHES)
	@find . \( -name .venv -o -name .git \) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
