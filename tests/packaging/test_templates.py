"""The templates: limits, variables, names and alarms that are consistent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from handlers.config import Settings
from handlers.database_address import TlsMode
from handlers.routes import ROUTES
from handlers.token_rules import TokenRules
from handlers.tracing.settings import SamplerName, TraceSettings
from tests.support.paths import ROOT
from tests.support.templates import FUNCTIONS, of_type


def test_every_function_has_limits_and_its_own_log(
    templates: dict[str, dict[str, Any]],
) -> None:
    functions = of_type(templates["application"], "AWS::Serverless::Function").values()
    for function in functions:
        assert {"MemorySize", "Timeout", "ReservedConcurrentExecutions"} <= set(function)
    assert len({json.dumps(function["LoggingConfig"]) for function in functions}) == len(FUNCTIONS)


def test_the_small_size_leaves_the_hundred_of_the_quota_that_lambda_requires(
    templates: dict[str, dict[str, Any]],
) -> None:
    application = templates["application"]
    size = application["Mappings"]["Sizes"]["small"]
    reserved = 0
    for function in of_type(application, "AWS::Serverless::Function").values():
        limit = function["ReservedConcurrentExecutions"]
        reserved += size[limit["Fn::FindInMap"][2]] if isinstance(limit, dict) else limit
    assert reserved <= 1000 - 100


def rendered(value: Any, parameters: dict[str, str], conditions: dict[str, bool]) -> str | None:
    """Return a variable as CloudFormation would, with the names of exports as their values."""
    if not isinstance(value, dict):
        return str(value)
    [(kind, argument)] = value.items()
    if kind == "Ref":
        return None if argument == "AWS::NoValue" else parameters[argument]
    if kind == "Fn::If":
        name, yes, no = argument
        return rendered(yes if conditions[name] else no, parameters, conditions)
    text = json.dumps(value)
    if "rediss" in text:
        return "rediss://redis:6379/0"
    secret = re.search(r"-(\w+SecretArn)", text)
    return secret[1] if secret else "3306"


@pytest.mark.parametrize("jwks", [False, True])
@pytest.mark.parametrize("self_managed", [False, True])
def test_the_variables_of_the_functions_are_settings_that_the_handlers_take(
    templates: dict[str, dict[str, Any]], *, jwks: bool, self_managed: bool
) -> None:
    application = templates["application"]
    parameters = {n: str(p.get("Default", "")) for n, p in application["Parameters"].items()}
    parameters |= {"KafkaBootstrapServers": "broker:9098", "AuthJwksUrl": "https://issuer/keys"}
    parameters |= {"AuthIssuer": "https://issuer/", "AuthAudience": "coupons"}
    parameters |= {"AllowedOrigins": "https://shop.example.com", "OidcClientId": "pages"}
    parameters |= {"OidcOrigins": "https://shop.auth.example.com"}
    parameters |= {"TracesEndpoint": "http://localhost:4318"}
    if self_managed:
        parameters["KafkaSecurity"] = "SASL_SSL_SCRAM"
    conditions = {
        "HasJwks": jwks,
        "HasIssuer": jwks,
        "HasAudience": jwks,
        "HasScopeClaim": False,
        "HasAllowedOrigins": jwks,
        "HasOidcClientId": jwks,
        "HasOidcOrigins": jwks,
        "HasSecretsExtension": False,
        "HasDatabaseCaFile": False,
        "HasInsecureAllowed": False,
        "HasTraces": True,
        "UsesSelfManagedKafka": self_managed,
    }
    variables = application["Globals"]["Function"]["Environment"]["Variables"]
    values = {name: rendered(v, parameters, conditions) for name, v in variables.items()}
    environment = {name: value for name, value in values.items() if value is not None}
    settings = Settings.from_environment(environment | {"AWS_REGION": "ap-northeast-2"})
    assert settings.stage == "prod"
    assert settings.database_tls.mode is TlsMode.VERIFY
    assert bool(settings.auth_jwks_url) == jwks
    assert settings.token_rules == (
        TokenRules("https://issuer/", "coupons") if jwks else TokenRules()
    )
    assert bool(settings.kafka_password) == self_managed
    assert settings.pages.allowed_origins == ({"https://shop.example.com"} if jwks else set())
    assert settings.pages.reached == (
        ("https://issuer", "https://shop.auth.example.com") if jwks else ()
    )
    traces = TraceSettings.from_environment(environment)
    assert (traces.is_on, traces.ratio) == (True, 0.01)
    assert traces.sampler is SamplerName.PARENT_OR_RATIO


def test_only_the_migration_gets_the_user_that_owns_the_tables_of_mysql(
    templates: dict[str, dict[str, Any]],
) -> None:
    owner = "MIGRATION_DATABASE_SECRET_ID"
    application = templates["application"]
    assert owner not in application["Globals"]["Function"]["Environment"]["Variables"]
    functions = of_type(application, "AWS::Serverless::Function")
    knows = {
        name
        for name, function in functions.items()
        if owner in function.get("Environment", {}).get("Variables", {})
    }
    assert knows == {"MigrateHandler"}
    outputs = templates["data"]["Outputs"]
    secrets = [
        outputs[name]["Value"]["Fn::If"][1]
        for name in ("DatabaseSecretArn", "MigrationDatabaseSecretArn")
    ]
    assert secrets[0] != secrets[1]
    # MySQL's proxy lets in only users whose secret it has.
    proxy = of_type(templates["data"], "AWS::RDS::DBProxy")["Proxy"]
    known = [auth["SecretArn"] for auth in proxy["Auth"]]
    assert [secret for secret in secrets if secret not in known] == []


def test_a_deployment_with_an_issuers_keys_but_without_its_name_or_ours_is_refused(
    templates: dict[str, dict[str, Any]],
) -> None:
    rule = templates["application"]["Rules"]["IssuerIsNamed"]
    assert rule["RuleCondition"] == is_set("AuthJwksUrl")
    asserted = [assertion["Assert"] for assertion in rule["Assertions"]]
    assert asserted == [is_set("AuthIssuer"), is_set("AuthAudience")]


def is_set(parameter: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


def test_both_mappings_of_kafka_lose_nothing_and_read_what_the_policies_name(
    templates: dict[str, dict[str, Any]],
) -> None:
    mappings = of_type(templates["application"], "AWS::Lambda::EventSourceMapping")
    assert len(mappings) == 2
    for mapping in mappings.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["MaximumRecordAgeInSeconds"] == -1
        assert mapping["DestinationConfig"]["OnFailure"]["Destination"]
        assert set(mapping["ProvisionedPollerConfig"]) == {"MinimumPollers", "MaximumPollers"}
        assert mapping["Topics"] == ["coupon_create"]
    policy = (ROOT / ".chalice" / "policy-consume.json").read_text(encoding="utf-8")
    assert "topic/${Cluster}/coupon_create" in policy
    assert "group/${Cluster}/group_1" in policy


def test_a_stack_imports_only_exports_of_earlier_stacks(
    templates: dict[str, dict[str, Any]],
) -> None:
    exported: set[str] = set()
    for name in ("network", "data", "application", "operations"):
        text = json.dumps(templates[name])
        imported = set(re.findall(r'"Fn::ImportValue": \{"Fn::Sub": "([^"]+)"', text))
        assert imported <= exported, name
        for output in templates[name].get("Outputs", {}).values():
            if "Export" in output:
                exported.add(output["Export"]["Name"]["Fn::Sub"])


def test_every_call_with_its_own_throttle_exists(
    templates: dict[str, dict[str, Any]],
) -> None:
    api = of_type(templates["application"], "AWS::Serverless::Api")["RestAPI"]
    calls = {
        (setting["HttpMethod"], setting["ResourcePath"][1:].replace("~1", "/"))
        for setting in api["MethodSettings"]
        if setting["ResourcePath"] != "/*"
    }
    assert calls
    assert {call for call in calls if call[0] != "HEAD"} <= {(r.method, r.path) for r in ROUTES}
    # HEAD does the work of GET: it must not be a way around the throttle.
    heads, gets = ({path for method, path in calls if method == m} for m in ("HEAD", "GET"))
    assert heads == gets
    assert "/ready" in gets  # without a token it asks the servers


def test_cloudformation_can_read_the_template_which_takes_no_alias_of_yaml(sam: str) -> None:
    assert re.findall(r"[&*]id\d+", sam) == []


def test_every_metric_of_ours_that_an_alarm_watches_comes_from_a_log_line(
    templates: dict[str, dict[str, Any]],
) -> None:
    operations = templates["operations"]
    filters = of_type(operations, "AWS::Logs::MetricFilter").values()
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "handlers").rglob("*.py"))
    for each in filters:
        pattern = each["FilterPattern"] + each["MetricTransformations"][0]["MetricValue"]
        for message in re.findall(r'\$\.message = "([^"]+)"', pattern):
            assert f'"{message}"' in source or f"def {message}(" in source, message
        for field in set(re.findall(r"\$\.(\w+)", pattern)) - {"message"}:
            assert f'"{field}"' in source, field
    made = {each["MetricTransformations"][0]["MetricName"] for each in filters}
    alarms = of_type(operations, "AWS::CloudWatch::Alarm").values()
    ours = {a["MetricName"] for a in alarms if isinstance(a.get("Namespace"), dict)}
    assert {"DeadFailedEvents", "OldestPendingSeconds"} <= ours <= made


def test_a_metric_that_counts_lines_of_requests_counts_those_that_are_summed_up_too(
    templates: dict[str, dict[str, Any]],
) -> None:
    counted: dict[str, set[str]] = {}
    for each in of_type(templates["operations"], "AWS::Logs::MetricFilter").values():
        [metric] = each["MetricTransformations"]
        if "apply_handler" in each["FilterPattern"]:
            counted.setdefault(metric["MetricName"], set()).add(metric["MetricValue"])
    assert counted.pop("Accepted") == {"1"}  # each has its line
    assert counted == {name: {"1", "$.count"} for name in ("Applied", "SoldOut", "Unavailable")}


def test_every_alarm_notifies_at_its_start_and_its_end(
    templates: dict[str, dict[str, Any]],
) -> None:
    alarms = of_type(templates["operations"], "AWS::CloudWatch::Alarm")
    assert len(alarms) >= 30
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Alarms"}], name
        assert alarm["AlarmDescription"], name


def test_the_bucket_has_the_same_name_in_all_templates(sam: str) -> None:
    texts = [sam, *(p.read_text() for p in (ROOT / "infra").glob("*.yaml"))]
    names = set(re.findall(r"seonchak-\$\{Stage\}-unconsumed[^/\"'\s]*", "\n".join(texts)))
    assert names == {"seonchak-${Stage}-unconsumed-${AWS::AccountId}-${AWS::Region}"}


def test_the_servers_are_configured_to_lose_nothing(templates: dict[str, dict[str, Any]]) -> None:
    resources = templates["data"]["Resources"]
    kafka = resources["KafkaConfiguration"]["Properties"]["ServerProperties"]
    for line in (
        "min.insync.replicas=2",
        "default.replication.factor=3",
        "auto.create.topics.enable=false",
    ):
        assert line in kafka.splitlines()
    redis = resources["RedisParameters"]["Properties"]["Properties"]
    assert redis["maxmemory-policy"] == "noeviction"
    assert redis["min-replicas-to-write"] == "1"
    database = resources["Database"]
    assert database["DeletionPolicy"] == "Snapshot"
    assert database["Properties"]["MultiAZ"] is True
    for name in ("Database", "Kafka", "Redis", "CouponCodeSecret", "JwtSecret"):
        assert resources[name]["DeletionPolicy"] in {"Retain", "Snapshot"}, name
        assert resources[name]["UpdateReplacePolicy"] in {"Retain", "Snapshot"}, name
