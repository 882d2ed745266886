/* rebuild_handler: from MySQL, Kafka and what Redis still holds, to a Redis that may open. */
#ifdef WITH_REDIS_FAULTS

/* The durable wins: a user in `found` has that serial; another user whom only Redis has under it,
 * from before some loss, was promised nothing and is dropped. Nothing else is changed. */
inline put_back(found, is_pending) {
    for (i : 0 .. PAIRS - 1) {
        if
        :: (found >> i) & 1 ->
            SAY("rebuild: puts back user %d, serial %d\n", USER_OF(i), SERIAL_OF(i));
#ifndef KEEPS_DISPLACED
            for (k : 0 .. USERS - 1) {
                if
                :: redis.applied[k] == SERIAL_OF(i) -> redis.applied[k] = 0; redis.pending[k] = 0
                :: else
                fi
            }
#endif
            redis.applied[USER_OF(i)] = SERIAL_OF(i);
            redis.pending[USER_OF(i)] = is_pending
        :: else
        fi
    }
    skip
}

/* A failed event counts like a coupon, unless its serial or its user has a coupon already: that is
 * why it failed, and the redrive handles it. */
inline put_back_failed(found, surer) {
    for (i : 0 .. PAIRS - 1) {
        users = 0;
        for (k : 0 .. USERS - 1) { users = users + HAS(surer, k, SERIAL_OF(i)) }
        if
        :: ((found >> i) & 1) && (users != 0 || OF_USER(surer, USER_OF(i)) != 0) ->
            found = found & ~(1 << i)
        :: else
        fi
    }
    put_back(found, 0)
}

/* The last scripts, with all that was read. */
inline unite() {
#ifdef RESTORES_WEAKLY                  /* a mutant: what Redis holds outweighs the topic */
    put_back(in_coupon, 0);
    for (i : 0 .. PAIRS - 1) {
        users = 0;
        for (k : 0 .. USERS - 1) { users = users + (redis.applied[k] == SERIAL_OF(i)) }
        if
        :: ((in_topic >> i) & 1) && (users != 0 || redis.applied[USER_OF(i)] != 0) ->
            in_topic = in_topic & ~(1 << i)
        :: else
        fi
    }
#endif
    put_back(in_topic, 1);
    put_back(in_coupon, 0);
    put_back_failed(in_failed, in_topic | in_coupon)
}

/* Serials up to the count without an owner are assigned again. */
inline return_gaps() {
    redis.returned = 0;
    for (i : 1 .. QUANTITY) {
        users = 0;
        for (k : 0 .. USERS - 1) { users = users + (redis.applied[k] == i) }
#ifndef DEGRADED
        durable_admissions_collide = (users > 1);
        assert(!durable_admissions_collide);
#endif
        if
        :: users == 0 && i <= redis.count -> redis.returned = redis.returned | (1 << i)
        :: else
        fi
    }
}

inline discard() {
    for (i : 0 .. USERS - 1) {
        redis.applied[i] = 0;
        redis.pending[i] = 0
    }
    redis.count = 0;
    redis.returned = 0
}

#ifdef WAIT_FORGETS_RELAY
#define AWAITED  (busy & ~RELAYING)
#else
#define AWAITED  busy
#endif
#ifdef WAIT_FORGETS_WIRE
#define WIRE_IS_QUIET  true
#else
#define WIRE_IS_QUIET  (wire == 0)
#endif
#ifdef WITHOUT_TOKEN
#define MAY_OPEN  true
#else
#define MAY_OPEN  (redis.token == me && redis.epoch != of_run)
#endif
#ifdef IGNORES_LOCKS
#define NONE_LOCKED  true
#elif USERS == 2
#define NONE_LOCKED  (!locked[0] && !locked[1])
#else
#define NONE_LOCKED  (!locked[0] && !locked[1] && !locked[2])
#endif
#define READ_TOPIC   d_step { in_topic = topic; SAY("rebuild: has read the topic\n") }
#define READ_FAILED  d_step { NONE_LOCKED -> read_failed() }
#define READ_COUPON  d_step { in_coupon = coupon; SAY("rebuild: has read coupon\n") }

/* A locking read: waits for a redrive that holds a serial. DEAD rows are tried again, since their
 * serial may be free now: its admission may have been one that no user was told of. */
inline read_failed() {
    in_failed = failed;
#ifdef WITH_FAILED_EVENTS
#ifndef LEAVES_THE_DEAD
    dead = 0;
#endif
#endif
    SAY("rebuild: has read failed_event\n")
}

inline end_rebuild() {
    of_run = 0;
    awaited = 0;
    in_topic = 0;
    in_coupon = 0;
    in_failed = 0
}

proctype Rebuild(byte me) {
    byte of_run, awaited;
    short in_topic, in_coupon, in_failed;
end:
    do
    :: d_step { redis.epoch != run_id ->                /* the first script: token and run_id */
            of_run = run_id;
            redis.token = me;
            awaited = AWAITED;
            unsaved = 1;
            SAY("rebuild %d: begins on run %d\n", me, of_run)
        };
#ifndef WITHOUT_WAIT
        if
        :: d_step { (awaited & busy) == 0 && WIRE_IS_QUIET -> awaited = 0 }
        :: atomic { KILL; end_rebuild(); SAY("rebuild %d: killed\n", me) }; goto end
        fi;
#endif
#ifdef MYSQL_BEFORE_OFFSETS
        READ_FAILED; READ_COUPON; READ_TOPIC;
#elif defined(COUPON_BEFORE_FAILED)
        READ_TOPIC; READ_COUPON; READ_FAILED;
#else
        READ_TOPIC; READ_FAILED; READ_COUPON;
#endif
#ifdef FORGETS_FAILED
        in_failed = 0;
#endif
        if
        :: d_step {                                     /* scripts that only add */
#ifdef DISCARDS_REDIS
                discard();
#endif
#ifdef EPOCH_FIRST
                redis.epoch = of_run;
#else
                unite();
#endif
                unsaved = 1
            }
        :: atomic { KILL; end_rebuild(); SAY("rebuild %d: killed\n", me) }; goto end
        fi;
        if
        :: d_step {                                     /* the last script: gaps and epoch */
#ifdef EPOCH_FIRST
                unite();
#endif
                if
                :: MAY_OPEN ->
                    return_gaps();
                    redis.epoch = of_run;
                    redis.token = 0;
                    SAY("rebuild %d: opens on run %d\n", me, of_run)
                :: else                                 /* already open, emptied, or overtaken */
                fi;
                unsaved = 1;
                end_rebuild()
            }
        :: atomic { KILL; end_rebuild(); SAY("rebuild %d: killed\n", me) }
        fi
    od
}
#endif
