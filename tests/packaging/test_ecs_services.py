"""infra/containers.yaml: load balancer, health checks and scaling fit the programs."""

from __future__ import annotations

import json
import re

from handlers.config import Settings
from handlers.routes import ROUTES
from local import healthcheck, serve
from local.poll_runner import run as poll_runner
from tests.support.ecs import (
    CONTAINERS,
    PROGRAMS,
    SCRAM,
    SERVICES,
    attributes,
    container,
    environment,
    stack,
)
from tests.support.templates import of_type


def test_one_server_that_is_out_takes_no_task_away() -> None:
    found = stack()
    path = found.properties("GatewayTargets")["HealthCheckPath"]
    assert path in {route.path for route in ROUTES}
    checks = {program: container(found, program)["HealthCheck"] for program in SERVICES}
    words = {program: check["Command"][1:] for program, check in checks.items()}
    assert words["Gateway"][-1].endswith(path)
    for program, command in words.items():
        # --group-member asks Kafka, and /ready asks everything.
        assert command[:3] == ["python", "-m", "local.healthcheck"], program
        assert "--group-member" not in command
        assert not path.endswith("/ready")
        assert not any("/ready" in word for word in command)
        assert checks[program]["Timeout"] > healthcheck.READY_TIMEOUT_S
    port = environment(found, "Consumer")["METRICS_PORT"]
    assert words["Consumer"][-1] == f"http://127.0.0.1:{port}/metrics"


def test_a_stop_waits_longer_than_a_request_and_a_batch_take() -> None:
    found = stack()
    targets = attributes(found, "GatewayTargets", "TargetGroupAttributes")
    delay_s = int(targets["deregistration_delay.timeout_seconds"])
    assert delay_s >= serve.WORKER_STOP_TIMEOUT_S
    assert container(found, "Gateway")["StopTimeout"] > serve.WORKER_STOP_TIMEOUT_S
    deadline_s = poll_runner._parser().get_default("timeout_s")
    for program in ("Consumer", "Scheduler"):
        assert container(found, program)["StopTimeout"] > deadline_s
    # Fargate takes no more.
    assert {container(found, p)["StopTimeout"] <= 120 for p in PROGRAMS} == {True}


def test_the_load_balancer_ends_idle_connections_before_the_gateway_does() -> None:
    door = attributes(stack(), "Door", "LoadBalancerAttributes")
    assert int(door["idle_timeout.timeout_seconds"]) < serve.IDLE_TIMEOUT_BEHIND_PROXY_S
    # --behind-proxy counts what each proxy appends.
    assert door["routing.http.xff_header_processing.mode"] == "append"
    assert door["access_logs.s3.enabled"] == "true"


def test_only_tls_reaches_the_load_balancer_and_only_it_reaches_the_gateway() -> None:
    found = stack()
    listeners = of_type(CONTAINERS, "AWS::ElasticLoadBalancingV2::Listener")
    assert [listener["Protocol"] for listener in listeners.values()] == ["HTTPS"]
    assert re.fullmatch(
        r"ELBSecurityPolicy-TLS13-1-2-Res.*", listeners["DoorListener"]["SslPolicy"]
    )
    assert found.properties("DoorGroup")["SecurityGroupIngress"] == [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "CidrIp": "0.0.0.0/0",
            "Description": "users, or the CDN in front of it",
        }
    ]
    [rule] = stack(FromPrefixList="pl-1").properties("DoorGroup")["SecurityGroupIngress"]
    assert (rule["SourcePrefixListId"], "CidrIp" in rule) == ("pl-1", False)
    assert found.properties("GatewayFromDoor")["SourceSecurityGroupId"] == "DoorGroup"
    association = of_type(CONTAINERS, "AWS::WAFv2::WebACLAssociation")["FirewallAssociation"]
    assert association["ResourceArn"] == {"Ref": "Door"}


def test_with_a_secret_only_the_cdn_that_knows_it_reaches_the_gateway() -> None:
    now, before = "n" * 32, "b" * 32
    [opened] = stack().properties("DoorListener")["DefaultActions"]
    assert opened == {"Type": "forward", "TargetGroupArn": "GatewayTargets"}
    assert not stack().holds("HasOriginSecret")
    for secrets in ({"OriginSecret": now}, {"OriginSecret": now, "PreviousOriginSecret": before}):
        found = stack(**secrets)
        [refused] = found.properties("DoorListener")["DefaultActions"]
        assert refused["Type"] == "fixed-response"
        assert json.loads(refused["FixedResponseConfig"]["MessageBody"])["status"] == 403
        [condition] = found.properties("DoorFromCdn")["Conditions"]
        assert condition["HttpHeaderConfig"]["HttpHeaderName"] == "X-Origin-Secret"
        assert condition["HttpHeaderConfig"]["Values"] == list(secrets.values())
        # ECS makes no service for targets that no listener leads to.
        [after] = found.properties("Gateway")["Tags"]
        assert after["Value"] == "DoorFromCdn"
    [after] = stack().properties("Gateway")["Tags"]
    assert after["Value"] == "DoorListener"
    for name in ("OriginSecret", "PreviousOriginSecret"):
        assert CONTAINERS["Parameters"][name]["NoEcho"] is True


def test_behind_a_cdn_the_firewall_does_not_count_the_cdns_addresses() -> None:
    for proxies, counted in (("1", True), ("2", False)):
        rules = stack(Proxies=proxies).properties("Firewall")["Rules"]
        assert ("rate-per-address" in {rule["Name"] for rule in rules}) == counted


def test_before_the_migration_no_task_runs_and_scaling_starts_none() -> None:
    found = stack(Serving="no")
    for program in SERVICES:
        assert found.properties(program)["DesiredCount"] == 0
    for target in ("GatewayCount", "ConsumerCount"):
        counted = found.properties(target)
        assert (counted["MinCapacity"], counted["MaxCapacity"]) == (0, 0)
    policies = [r for r in CONTAINERS["Resources"].values() if r["Type"].endswith("ScalingPolicy")]
    assert {found.holds(policy["Condition"]) for policy in policies} == {False}


def test_a_deployment_that_does_not_start_is_rolled_back_and_two_schedulers_never_run() -> None:
    found = stack()
    for program in SERVICES:
        deployment = found.properties(program)["DeploymentConfiguration"]
        assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert found.properties("Scheduler")["DesiredCount"] == 1
    assert found.properties("Scheduler")["DeploymentConfiguration"]["MaximumPercent"] == 100
    assert found.properties("Gateway")["DeploymentConfiguration"]["MinimumHealthyPercent"] == 100


def test_an_opening_has_its_tasks_before_it_begins_and_gives_them_back() -> None:
    opening = {"OpeningAt": "2026-12-01T11:30:00", "OpeningOverAt": "2026-12-01T13:00:00"}
    assert "ScheduledActions" not in stack().properties("GatewayCount")
    found = stack(**opening, OpeningTasks="40", GatewayTasksMax="50")
    begin, end = found.properties("GatewayCount")["ScheduledActions"]
    assert begin["Schedule"] == "at(2026-12-01T11:30:00)"
    assert begin["ScalableTargetAction"] == {"MinCapacity": "40", "MaxCapacity": "50"}
    assert end["ScalableTargetAction"] == {"MinCapacity": "3", "MaxCapacity": "50"}
    assert {action["Timezone"] for action in (begin, end)} == {"Asia/Seoul"}


def test_the_lag_counts_for_msk_by_the_names_of_the_service() -> None:
    found = stack()
    settings = Settings.from_environment(environment(found, "Consumer"))
    dimensions = {d["Name"]: d["Value"] for d in found.properties("ConsumerLag")["Dimensions"]}
    assert dimensions == {
        "Cluster Name": "seonchak-prod",
        "Consumer Group": settings.consumer_group,
        "Topic": settings.coupon_topic,
    }
    assert not stack(**SCRAM).holds("ScalesByLag")


def test_every_alarm_says_why_and_notifies_at_its_start_and_its_end() -> None:
    topic = "arn:aws:sns:ap-northeast-2:123456789012:alarms"
    found, silent = stack(AlarmTopicArn=topic), stack()
    alarms = set(of_type(CONTAINERS, "AWS::CloudWatch::Alarm")) - {"ConsumerLag"}  # it scales
    assert len(alarms) == 8
    for name in alarms:
        alarm = found.properties(name)
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic], name
        assert alarm["AlarmDescription"], name
        assert silent.properties(name)["AlarmActions"] == [], name


def test_each_program_that_does_not_run_is_an_alarm_but_not_before_the_migration() -> None:
    for program in SERVICES:
        alarm = stack().properties(f"{program}Missing")
        dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
        assert dimensions == {"ClusterName": "Cluster", "ServiceName": f"{program}.Name"}
        assert alarm["TreatMissingData"] == "breaching"
        assert not stack(Serving="no").holds(
            CONTAINERS["Resources"][f"{program}Missing"]["Condition"]
        )


def test_while_the_pollers_of_lambda_consume_no_poll_runner_does_and_none_is_missed() -> None:
    found = stack(ConsumerTasksMin="0", ConsumerTasksMax="0")
    assert found.properties("Consumer")["DesiredCount"] == "0"
    assert found.properties("ConsumerCount")["MaxCapacity"] == "0"
    assert not found.holds(CONTAINERS["Resources"]["ConsumerMissing"]["Condition"])
    assert found.holds(CONTAINERS["Resources"]["GatewayMissing"]["Condition"])
