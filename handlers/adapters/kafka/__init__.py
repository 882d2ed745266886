"""Kafka: the publisher and the reader of the coupon topic."""

import logging

from handlers.deferred_package import defer

defer(
    "kafka",
    {
        "KafkaConsumer": "consumer.group",
        "KafkaProducer": "producer.kafka",
        "TopicPartition": "structs",
    },
)
# It also keeps Python from writing the library's warnings where there is no handler for them.
logging.getLogger("kafka").addHandler(logging.NullHandler())
# The library reads two messages of many there, to recognise brokers that are older than ten years.
defer("kafka.protocol.admin", {"ListGroupsRequest": "groups"})
defer("kafka.protocol.consumer", {"OffsetFetchRequest": "group"})
