"""Stage 6: a batch in one transaction; what cannot be written is kept, and tried again."""

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
    """Write records of `coupon_create`, all of them or none."""
    users = [(record.value.decode(),) for record in records]
    with mysql() as db, db.cursor() as cursor:
        try:
            cursor.executemany("INSERT INTO coupon (user_id) VALUES (%s)", users)
        except pymysql.Error:
            db.rollback()
            cursor.executemany("INSERT INTO failed_event (user_id) VALUES (%s)", users)
        db.commit()


def every_second() -> None:
    """Try again what could not be written."""
    with mysql() as db, db.cursor() as cursor:
        cursor.execute("SELECT id, user_id FROM failed_event FOR UPDATE")
        for number, user_id in cursor.fetchall():
            cursor.execute("INSERT INTO coupon (user_id) VALUES (%s)", (user_id,))
            cursor.execute("DELETE FROM failed_event WHERE id = %s", (number,))
        db.commit()
