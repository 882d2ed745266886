"""Stage 2: a row lock. One row says how many are left; each who reads it locks it."""

from lab.servers import mysql

TABLES = [
    "CREATE TABLE coupon (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(64) NOT NULL)",
    "CREATE TABLE campaign (id INT PRIMARY KEY, remaining INT NOT NULL)",
    "INSERT INTO campaign VALUES (1, 100)",
]


def apply(user_id: str) -> str:
    """A person presses the button; returns what she reads."""
    with mysql() as db, db.cursor() as cursor:
        # All wait in line here, and each holds a connection of the pool meanwhile.
        cursor.execute("SELECT remaining FROM campaign WHERE id = 1 FOR UPDATE")
        (remaining,) = cursor.fetchone()
        if remaining == 0:
            return "sold out"
        cursor.execute("UPDATE campaign SET remaining = remaining - 1 WHERE id = 1")
        cursor.execute("INSERT INTO coupon (user_id) VALUES (%s)", (user_id,))
        db.commit()
    return "accepted"


def consume(records: list) -> None:
    """Nothing is sent to Kafka yet."""
