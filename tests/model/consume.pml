/* consume_handler and the offsets of its poller. */

/* The guarded INSERT of one record; is_refused when a guard blocks it. */
inline insert(user, serial) {
    users = 0;
    for (k : 0 .. USERS - 1) { users = users + HAS(coupon, k, serial) }
    serials = OF_USER(coupon, user);
    is_refused = 0;
    if
    :: HAS(coupon, user, serial) ->                     /* this same record, again */
#ifdef WITHOUT_UNIQUE_USER
        P2_two_for_one_user = 1;
        assert(!P2_two_for_one_user);
#endif
        skip
    :: else ->
        if
#ifndef WITHOUT_UNIQUE_USER
        :: serials != 0 -> is_refused = 1               /* USER_HAS_OTHER_SERIAL */
#endif
#ifndef WITHOUT_UNIQUE_SERIAL
        :: users != 0 -> is_refused = 1                 /* SERIAL_TAKEN */
#endif
#ifndef WITHOUT_SCHEMA_QUANTITY
        :: serial > QUANTITY -> is_refused = 1          /* SERIAL_OUT_OF_RANGE */
#endif
        :: else -> coupon = coupon | PAIR(user, serial)
        fi
    fi;
    if
    :: is_refused -> SAY("MySQL: user %d does not get serial %d\n", user, serial)
    :: else -> SAY("MySQL: user %d has serial %d\n", user, serial)
    fi;
    users = 0;
    for (k : 0 .. PAIRS - 1) {
        if
        :: (coupon >> k) & 1 ->
            users++;
            P1_one_too_many = (users > QUANTITY || SERIAL_OF(k) > QUANTITY);
            assert(!P1_one_too_many);
            serials = OF_USER(coupon, USER_OF(k));
            P2_two_for_one_user = ((serials & (serials - 1)) != 0);
            assert(!P2_two_for_one_user)
        :: else
        fi
    }
}

/* settle.lua for one record */
inline settle(user, serial, is_issued) {
    SAY("settle: user %d, serial %d, issued %d\n", user, serial, is_issued);
    if
    :: is_issued && redis.applied[user] != serial ->
        redis.applied[user] = serial;
        redis.returned = redis.returned & ~(1 << serial)
    :: else
    fi;
    if
    :: redis.applied[user] == serial -> redis.pending[user] = 0
    :: else
    fi;
    unsaved = 1
}

/* One transaction: each record of the set gets its row, or its failed_event. */
inline write(records, refused_user) {
    for (i : 0 .. PAIRS - 1) {
        if
        :: ((records >> i) & 1) && refused_user == USER_OF(i) + 1 ->
            failed = failed | (1 << i);
            SAY("MySQL: refuses the record of user %d, failed_event has it\n", USER_OF(i))
        :: ((records >> i) & 1) && refused_user != USER_OF(i) + 1 ->
            insert(USER_OF(i), SERIAL_OF(i));
            if
            :: is_refused ->
                failed = failed | (1 << i);
#ifndef DEGRADED
                durable_admissions_collide = 1;
                assert(!durable_admissions_collide);
#endif
                skip
            :: else
            fi
        :: else
        fi
    }
    skip
}

inline settle_all(records) {
    for (i : 0 .. PAIRS - 1) {
        if
        :: (records >> i) & 1 -> settle(USER_OF(i), SERIAL_OF(i), ((coupon >> i) & 1))
        :: else
        fi
    }
    skip
}

inline commit_offset() {
    topic = (topic & ~batch) | fresh;
    fresh = 0;
    SAY("consumer: offset committed\n")
}

/* A mutant that settles before the transaction says "issued" too early. */
inline settle_all_as_issued() {
    for (i : 0 .. PAIRS - 1) {
        if
        :: (batch >> i) & 1 -> settle(USER_OF(i), SERIAL_OF(i), 1)
        :: else
        fi
    }
    skip
}

#ifdef COMMITS_FIRST
#define FIRST   commit_offset()
#define SECOND  write(batch, refused_user)
#define THIRD   settle_all(batch)
#elif defined(SETTLES_FIRST)
#define FIRST   settle_all_as_issued()
#define SECOND  write(batch, refused_user)
#define THIRD   commit_offset()
#elif defined(WRITES_LAST)
#define FIRST   settle_all_as_issued()
#define SECOND  commit_offset()
#define THIRD   write(batch, refused_user)
#else
#define FIRST   write(batch, refused_user)
#ifdef NEVER_SETTLES
#define SECOND  skip
#else
#define SECOND  settle_all(batch)
#endif
#define THIRD   commit_offset()
#define MAY_SKIP_SECOND                                 /* Redis does not reply to settle */
#endif

inline end_batch() {
    batch = 0;
    fresh = 0;
    refused_user = 0
}

proctype Consumer() {
    byte refused_user;                                  /* user + 1 */
end:
    do
    :: d_step { topic != 0 -> batch = topic; SAY("consumer: polls\n") };
#if REFUSALS > 0
        if
        :: skip
        :: d_step { refusals > 0 -> refusals--; refused_user = 1 }
        :: d_step { refusals > 0 -> refusals--; refused_user = 2 }
        fi;
#endif
        if
        :: d_step { FIRST }
        :: atomic { KILL; end_batch(); SAY("consumer: killed\n") }; goto end
        fi;
        if
        :: d_step { SECOND }
#ifdef MAY_SKIP_SECOND
        :: d_step { KILL }
#endif
        :: atomic { KILL; end_batch(); SAY("consumer: killed\n") }; goto end
        fi;
        if
        :: d_step { THIRD; end_batch() }
        :: atomic { KILL; end_batch(); SAY("consumer: killed\n") }
        fi
    od
}

#ifdef ZOMBIE
/* Lost its partitions to another consumer and continues; Kafka refuses its commit. */
proctype Zombie() {
    short records = 0;
end:
    do
    :: d_step { topic != 0 -> records = topic };
        d_step { write(records, 0); SAY("(by the zombie)\n") };
        if
        :: d_step { settle_all(records); SAY("(by the zombie)\n") }
        :: d_step { KILL }
        fi;
        records = 0
    od
}
#endif
