"""Stage 8: wait for Kafka's ack, let unique keys refuse what comes twice, relay what is pending."""

import json

from kafka.errors import KafkaError

from lab.servers import mysql, producer, redis

TABLES = [
    "CREATE TABLE coupon (serial INT PRIMARY KEY, user_id VARCHAR(64) NOT NULL UNIQUE)",
]
ADMIT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local serial = redis.call('ZSCORE', 'applied_user', ARGV[1])
if serial then
    local since = redis.call('ZSCORE', 'pending', ARGV[1])
    return {since and 'accepted' or 'already applied', serial}
end
serial = redis.call('INCR', 'coupon_count')
if serial > 100 then return {'sold out', serial} end
redis.call('ZADD', 'applied_user', serial, ARGV[1])
redis.call('ZADD', 'pending', now, ARGV[1])
return {'accepted', serial}
"""


def send(user_id: str, serial: int) -> bool:
    """Return whether Kafka has the record for sure."""
    record = json.dumps([int(serial), user_id]).encode()
    try:
        producer().send("coupon_create", record).get(timeout=1)
    except KafkaError:
        return False
    return True


def apply(user_id: str) -> str:
    """A person presses the button; returns what she reads."""
    answer, serial = redis().eval(ADMIT, 0, user_id)
    if answer == "accepted" and not send(user_id, serial):
        return "try again"
    return answer


def consume(records: list) -> None:
    """Write to MySQL, then to Redis; the offset is last. After an error the batch comes again."""
    coupons = [json.loads(record.value) for record in records]
    with mysql() as db, db.cursor() as cursor:
        cursor.executemany("INSERT IGNORE INTO coupon (serial, user_id) VALUES (%s, %s)", coupons)
        db.commit()
    redis().zrem("pending", *[user_id for _, user_id in coupons])


def every_second() -> None:
    """The relay: send again for each person who has been pending for a second."""
    for user_id in redis().zrangebyscore("pending", 0, redis().time()[0] - 1):
        serial = redis().zscore("applied_user", user_id)
        if serial is not None:  # Redis may have forgotten her since it named her
            send(user_id, serial)
