/* relay_handler: sends pending records to Kafka again. Their age is left out: any may be due.
 * What it has read may be sent at any time afterwards, so reading and sending is one step here. */

/* Sending a record that is already in the topic has the same effect as a redelivery. */
#define RELAYED(user)  RECORD(PAIR(user, redis.applied[user]), redis.fence)
#define UNSENT(user) \
    (redis.pending[user] && redis.applied[user] != 0 && ((topic | wire) & RELAYED(user)) == 0)
#ifdef RELAYS_WHEN_CLOSED
#define RELAY_MAY  (redis.fence != 0)
#else
#define RELAY_MAY  OPEN
#endif

inline relayed(user) { send(PAIR(user, redis.applied[user]), redis.fence) }

proctype Relay() {
end:
    do
    :: d_step { RELAY_MAY && UNSENT(0) -> relayed(0); SAY("relay: sends user 0\n") }
    :: d_step { RELAY_MAY && UNSENT(1) -> relayed(1); SAY("relay: sends user 1\n") }
#if USERS > 2
    :: d_step { RELAY_MAY && UNSENT(2) -> relayed(2); SAY("relay: sends user 2\n") }
#endif
    od
}

/* Records in flight: they arrive at any time, whether or not a sender waits, in any order, or never. */
inline arrive(n) {
    wire = wire & ~(1 << n);
    SAY("wire: the record of user %d, serial %d, fence %d arrives\n",
        USER_OF(PAIR_OF(n)), SERIAL_OF(PAIR_OF(n)), FENCE_OF(n));
    append(1 << PAIR_OF(n), FENCE_OF(n));
    clean()
}
#define ARRIVES(n)  :: d_step { ((wire >> n) & 1) != 0 -> arrive(n) }
#define ARRIVES_LATE(n) \
    :: d_step { ((late_wire >> n) & 1) != 0 -> \
            late_wire = late_wire & ~(1 << n); \
            SAY("wire: the record of user %d, serial %d arrives late\n", USER_OF(n), SERIAL_OF(n)); \
            append_late(1 << n); \
            clean() \
        }
#if RECORDS > 24
#error "more records than the wire can carry"
#endif

proctype Wire() {
end:
    do
    :: d_step { wire != 0 && LOSES -> LOSE; wire = wire & (wire - 1); SAY("wire: a record is lost\n") }
    :: d_step { late_wire != 0 ->
            late_wire = late_wire & (late_wire - 1);
            SAY("wire: a late record is lost\n")
        }
    ARRIVES_LATE(0)
    ARRIVES_LATE(1)
#if PAIRS > 2
    ARRIVES_LATE(2)
    ARRIVES_LATE(3)
#endif
#if PAIRS > 4
    ARRIVES_LATE(4)
    ARRIVES_LATE(5)
#endif
    ARRIVES(0)
    ARRIVES(1)
#if RECORDS > 2
    ARRIVES(2)
#endif
#if RECORDS > 3
    ARRIVES(3)
#endif
#if RECORDS > 4
    ARRIVES(4)
#endif
#if RECORDS > 5
    ARRIVES(5)
#endif
#if RECORDS > 6
    ARRIVES(6)
#endif
#if RECORDS > 7
    ARRIVES(7)
#endif
#if RECORDS > 8
    ARRIVES(8)
#endif
#if RECORDS > 9
    ARRIVES(9)
#endif
#if RECORDS > 10
    ARRIVES(10)
#endif
#if RECORDS > 11
    ARRIVES(11)
#endif
#if RECORDS > 12
    ARRIVES(12)
#endif
#if RECORDS > 13
    ARRIVES(13)
#endif
#if RECORDS > 14
    ARRIVES(14)
#endif
#if RECORDS > 15
    ARRIVES(15)
#endif
#if RECORDS > 16
    ARRIVES(16)
#endif
#if RECORDS > 17
    ARRIVES(17)
#endif
#if RECORDS > 18
    ARRIVES(18)
#endif
#if RECORDS > 19
    ARRIVES(19)
#endif
#if RECORDS > 20
    ARRIVES(20)
#endif
#if RECORDS > 21
    ARRIVES(21)
#endif
#if RECORDS > 22
    ARRIVES(22)
#endif
#if RECORDS > 23
    ARRIVES(23)
#endif
    od
}
