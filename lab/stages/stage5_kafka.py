"""Stage 5: Kafka between Redis and MySQL. The person has her answer; the row comes later."""

import pymysql

from lab.servers import mysql, producer, redis

TABLES = [
    "CREATE TABLE coupon (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(64) NOT NULL)",
    "CREATE TABLE failed_event (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(64))",
]


def apply(user_id: str) -> str:
    """A person presses the button; returns what she reads."""
    if redis().sadd("applied_user", user_id) == 0:
        return "already applied"
    if redis().incr("coupon_count") > 100:
        return "sold out"
    producer().send("coupon_create", user_id.encode())
    return "accepted"


def consume(records: list) -> None:
    """Write records of `coupon_create`, which the members of `group_1` share."""
    with mysql() as db, db.cursor() as cursor:
        for record in records:
            user_id = record.value.decode()
            try:
                cursor.execute("INSERT INTO coupon (user_id) VALUES (%s)", (user_id,))
            except pymysql.Error:
                cursor.execute("INSERT INTO failed_event (user_id) VALUES (%s)", (user_id,))
            db.commit()
