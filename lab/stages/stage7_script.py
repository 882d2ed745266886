"""Stage 7: one script. Redis decides in one step, and notes who has no coupon yet: pending."""

import pymysql

from lab.servers import mysql, producer, redis

TABLES = [
    "CREATE TABLE coupon (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(64) NOT NULL)",
    "CREATE TABLE failed_event (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(64))",
]
ADMIT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if redis.call('SADD', 'applied_user', ARGV[1]) == 0 then
    local since = redis.call('ZSCORE', 'pending', ARGV[1])
    if not since or now - since < 1 then return 'already applied' end
elseif redis.call('INCR', 'coupon_count') > 100 then
    return 'sold out'
end
redis.call('ZADD', 'pending', now, ARGV[1])
return 'accepted'
"""


def apply(user_id: str) -> str:
    """A person presses the button; returns what she reads."""
    answer = redis().eval(ADMIT, 0, user_id)
    if answer == "accepted":
        # Also for a person whose first press was cut short here.
        producer().send("coupon_create", user_id.encode())
    return answer


def consume(records: list) -> None:
    """Write records of `coupon_create`, all of them or none; then none is pending."""
    users = [(record.value.decode(),) for record in records]
    with mysql() as db, db.cursor() as cursor:
        try:
            cursor.executemany("INSERT INTO coupon (user_id) VALUES (%s)", users)
        except pymysql.Error:
            db.rollback()
            cursor.executemany("INSERT INTO failed_event (user_id) VALUES (%s)", users)
        db.commit()
    redis().zrem("pending", *[user_id for (user_id,) in users])


def every_second() -> None:
    """Try again what could not be written."""
    with mysql() as db, db.cursor() as cursor:
        cursor.execute("SELECT id, user_id FROM failed_event FOR UPDATE")
        for number, user_id in cursor.fetchall():
            cursor.execute("INSERT INTO coupon (user_id) VALUES (%s)", (user_id,))
            cursor.execute("DELETE FROM failed_event WHERE id = %s", (number,))
        db.commit()
