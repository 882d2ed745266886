"""Stage 1: count in MySQL. How many coupons are there? Fewer than a hundred: insert one more."""

from lab.servers import mysql

TABLES = [
    "CREATE TABLE coupon (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(64) NOT NULL)",
]


def apply(user_id: str) -> str:
    """A person presses the button; returns what she reads."""
    with mysql() as db, db.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM coupon")
        (count,) = cursor.fetchone()
        if count >= 100:
            return "sold out"
        # Here ten others have read the same count.
        cursor.execute("INSERT INTO coupon (user_id) VALUES (%s)", (user_id,))
        db.commit()
    return "accepted"


def consume(records: list) -> None:
    """Nothing is sent to Kafka yet."""
