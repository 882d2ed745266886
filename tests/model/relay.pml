/* relay_handler: sends pending records to Kafka again. Their age is left out: any may be due. */

/* Sending a record that is already in the topic has the same effect as a redelivery. */
#define UNSENT(user) \
    (redis.pending[user] && redis.applied[user] != 0 && !HAS(topic, user, redis.applied[user]))
#if USERS == 2
#define ANY_UNSENT  (UNSENT(0) || UNSENT(1))
#else
#define ANY_UNSENT  (UNSENT(0) || UNSENT(1) || UNSENT(2))
#endif
#ifdef RELAYS_WHEN_CLOSED
#define RELAY_MAY  true
#else
#define RELAY_MAY  OPEN
#endif

inline end_relay() {
    user = 0;
    serial = 0;
    busy = busy & ~RELAYING
}

proctype Relay() {
    byte user, serial;                                  /* user + 1 */
end:
    do
    :: d_step { RELAY_MAY && ANY_UNSENT ->
            for (i : 0 .. USERS - 1) {
                if
                :: user == 0 && UNSENT(i) -> user = i + 1; serial = redis.applied[i]
                :: else
                fi
            }
            busy = busy | RELAYING;
            SAY("relay: reads user %d, serial %d\n", user - 1, serial)
        };
        if
        :: d_step { append(user - 1, serial); end_relay(); SAY("relay: Kafka has it\n") }
#ifdef LATE
        :: d_step { KILL;
                wire = wire | PAIR(user - 1, serial);
                end_relay();
                SAY("relay: sent, and given up\n")
            }
#endif
        :: d_step { KILL; end_relay(); SAY("relay: not sent\n") }
        fi
    od
}
