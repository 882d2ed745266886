"""Stage 4: one each. SADD says 1 to the first press of a person, and 0 to all others."""

from lab.servers import mysql, redis

TABLES = [
    "CREATE TABLE coupon (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(64) NOT NULL)",
]


def apply(user_id: str) -> str:
    """A person presses the button; returns what she reads."""
    if redis().sadd("applied_user", user_id) == 0:
        return "already applied"
    if redis().incr("coupon_count") > 100:
        return "sold out"
    with mysql() as db, db.cursor() as cursor:
        cursor.execute("INSERT INTO coupon (user_id) VALUES (%s)", (user_id,))
        db.commit()
    return "accepted"


def consume(records: list) -> None:
    """Nothing is sent to Kafka yet."""
