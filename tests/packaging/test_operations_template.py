"""Alarms that must not wait, and the way to the one who is on call; the topic that MSK makes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.adapters.migration.topic import PARTITIONS
from infra.cost.catalogue import catalogue, regions, sizes
from tests.support.templates import of_type

# What a sale of a minute is over before, if an alarm waits for a second minute.
AT_ONCE = ("ApiThrottles", "Unavailable", "KafkaTooManyConnections")


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_costs_applicants_their_turn_alarms_within_a_minute(
    templates: dict[str, dict[str, Any]], name: str
) -> None:
    alarm = of_type(templates["operations"], "AWS::CloudWatch::Alarm")[name]
    periods = {m["MetricStat"]["Period"] for m in alarm.get("Metrics", []) if "MetricStat" in m}
    assert (periods or {alarm["Period"]}) == {60}
    assert alarm["EvaluationPeriods"] == alarm["DatapointsToAlarm"] == 1


def test_msk_measures_what_its_alarm_watches(templates: dict[str, dict[str, Any]]) -> None:
    alarm = of_type(templates["operations"], "AWS::CloudWatch::Alarm")["KafkaTooManyConnections"]
    brokers = {
        dimension["Value"]
        for metric in alarm["Metrics"]
        if "MetricStat" in metric
        for dimension in metric["MetricStat"]["Metric"]["Dimensions"]
        if dimension["Name"] == "Broker ID"
    }
    assert brokers == {"1", "2", "3"}
    # The metric comes with PER_BROKER and what is finer than that.
    cluster = of_type(templates["data"], "AWS::MSK::Cluster")["Kafka"]
    assert cluster["EnhancedMonitoring"] in {"PER_BROKER", "PER_TOPIC_PER_BROKER"}


def test_an_alarm_may_use_the_key_of_the_topic_that_carries_it(
    templates: dict[str, dict[str, Any]],
) -> None:
    # Without it each alarm changes its state and no mail is sent; nothing else shows it.
    topic = of_type(templates["operations"], "AWS::SNS::Topic")["Alarms"]
    assert "KeyArn" in json.dumps(topic["KmsMasterKeyId"])
    key = of_type(templates["network"], "AWS::KMS::Key")["Key"]
    allowed = [
        action
        for statement in key["KeyPolicy"]["Statement"]
        if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        for action in statement["Action"]
    ]
    assert allowed == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_msk_makes_the_topic_that_the_functions_use_with_what_it_needs_to_lose_nothing(
    templates: dict[str, dict[str, Any]],
) -> None:
    data = templates["data"]
    resource = data["Resources"]["Topic"]
    topic = resource["Properties"]
    [mapping, _] = of_type(templates["application"], "AWS::Lambda::EventSourceMapping").values()
    assert [topic["TopicName"]] == mapping["Topics"]
    assert topic["ReplicationFactor"] == 3
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    partitions = data["Parameters"]["KafkaPartitions"]["Default"]
    assert partitions == PARTITIONS
    for size in sizes():
        assert catalogue(regions()[0], size).size["kafka_partitions"] == partitions


def test_a_topic_is_made_only_on_a_cluster_that_this_stack_builds(
    templates: dict[str, dict[str, Any]],
) -> None:
    data = templates["data"]
    assert data["Resources"]["Topic"]["Condition"] == "MakesTopic"
    assert {"Condition": "BuildsKafka"} in data["Conditions"]["MakesTopic"]["Fn::And"]
