"""Stage 3: the counter moves to Redis. INCR counts one after the other, and no lock is held."""

from lab.servers import mysql, redis

TABLES = [
    "CREATE TABLE coupon (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(64) NOT NULL)",
]


def apply(user_id: str) -> str:
    """A person presses the button; returns what she reads."""
    if redis().incr("coupon_count") > 100:
        return "sold out"
    with mysql() as db, db.cursor() as cursor:
        cursor.execute("INSERT INTO coupon (user_id) VALUES (%s)", (user_id,))
        db.commit()
    return "accepted"


def consume(records: list) -> None:
    """Nothing is sent to Kafka yet."""
