/* consume_handler and the offsets of its poller. */

/* The guarded INSERT of one record; is_refused when a guard blocks it. is_gone: it was written
 * before, and its user has given the coupon back since. It is no failure, and settles nothing. */
inline insert(user, serial) {
    users = 0;
    for (k : 0 .. USERS - 1) { users = users + HAS(coupon, k, serial) }
    serials = OF_USER(OWNED, user);
    is_refused = 0;
    is_gone = 0;
    if
    :: WAS_OF(user, serial) ->
#ifdef RENAMES_THE_CODE                 /* a mutant: what is unique is not the user's any more */
        is_refused = !HAS(given_back, user, serial);
#endif
        is_gone = !is_refused
    :: !WAS_OF(user, serial) && HAS(coupon, user, serial) ->                     /* this same record, again */
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
        :: serial > LAST_SERIAL -> is_refused = 1          /* SERIAL_OUT_OF_RANGE */
#endif
        :: else -> coupon = coupon | PAIR(user, serial)
        fi
    fi;
    if
    :: is_refused -> SAY("MySQL: user %d does not get serial %d\n", user, serial)
    :: is_gone -> SAY("MySQL: user %d gave serial %d back\n", user, serial)
    :: else -> SAY("MySQL: user %d has serial %d\n", user, serial)
    fi;
    require_rows()
}

/* P1 and P2: rows whose place was not returned, and of each user, rows that were not given back. */
inline require_rows() {
    users = 0;
    for (k : 0 .. PAIRS - 1) {
        if
        :: (coupon >> k) & 1 ->
            users = users + !((ended >> k) & 1);
            P1_one_too_many = (users > quantity || SERIAL_OF(k) > LAST_SERIAL);
            assert(!P1_one_too_many);
#ifdef RELEASES                         /* P1 of what was released until now */
            given_before_release = (users > RELEASED || SERIAL_OF(k) > RELEASED + places);
            assert(!given_before_release);
#endif
            serials = OF_USER(OWNED, USER_OF(k));
            P2_two_for_one_user = ((serials & (serials - 1)) != 0);
            assert(!P2_two_for_one_user)
        :: else
        fi
    }
#ifdef ERASES
    erased_id_returns = (told_erased && OF_USER(coupon & ~renamed, 0) != 0);
    assert(!erased_id_returns);
#endif
    skip
}

/* settle.lua for one record. A row settles the user. A record in failed_event settles only the
 * admission that it is of, and only while no rebuild has closed that history: it may have come too
 * late for the rebuild, and the user may have another admission by now, under the same serial. */
#ifdef SETTLES_ANY_FENCE
#define OF_THIS_ADMISSION(its_fence)  true
#else
#define OF_THIS_ADMISSION(its_fence)  (OPEN && redis.fence == its_fence)
#endif
#if defined(ERASES) && !defined(SETTLES_THE_ERASED)
#define IS_ERASED(user) \
    ((user) == 0 && redis.erased && redis.applied[0] == 0 && redis.pseudonym != 0)
#else
#define IS_ERASED(user)  false
#endif
#ifdef SETTLES_GIVEN_BACK               /* a mutant: the coupon may be the user's no more */
#define MAY_BE_HELD(serial)  true
#else
#define MAY_BE_HELD(serial)  (!BLANK(redis, serial))
#endif
inline settle(user, serial, is_issued, its_fence) {
    SAY("settle: user %d, serial %d, issued %d\n", user, serial, is_issued);
    if
    :: is_issued && redis.applied[user] != serial && redis.epoch != 0 && MAY_BE_HELD(serial) && !IS_ERASED(user) ->
        redis.applied[user] = serial;
        redis.returned = redis.returned & ~(1 << serial)
    :: else
    fi;
    if
    :: redis.applied[user] == serial && (is_issued || OF_THIS_ADMISSION(its_fence)) ->
        redis.pending[user] = 0
    :: else
    fi;
    lags = 1
}

#define HAS_INDEX(set, index)  (((set) >> (index)) & 1)
#if ENDS > 0 || defined(ERASES)
#define WITH_GONE
short gone;                             /* of the batch: a transaction found it given back */
#ifdef SETTLES_GONE
#define GONE(index)  false
#else
#define GONE(index)  HAS_INDEX(gone, index)
#endif
#ifdef ZOMBIE
#error "two batches, one mask of what is gone"
#endif
#else
#define GONE(index)  false
#endif

/* One transaction: each record gets its row, or its failed_event. */
inline write(records, late_records, refused_user) {
    for (i : 0 .. RECORDS - 1) {
        if
        :: (records >> i) & 1 ->
            if
#ifdef WITH_FAILED_EVENTS
            :: refused_user == USER_OF(PAIR_OF(i)) + 1 ->
                failed = failed | (1 << i);
                SAY("MySQL: refuses user %d, failed_event has it\n", USER_OF(PAIR_OF(i)))
#endif
            :: else ->
                insert(USER_OF(PAIR_OF(i)), SERIAL_OF(PAIR_OF(i)));
                if
#ifdef WITH_GONE
                :: is_gone -> gone = gone | (1 << PAIR_OF(i))
#endif
                :: is_refused ->
#ifndef DEGRADED
                    durable_admissions_collide = 1;
                    assert(!durable_admissions_collide);
#else
                    failed = failed | (1 << i);
#endif
                    skip
                :: else
                fi
            fi
        :: else
        fi
    }
    for (i : 0 .. PAIRS - 1) {
        if
        :: (late_records >> i) & 1 ->
            if
#ifdef WITH_FAILED_EVENTS
            :: refused_user == USER_OF(i) + 1 ->
                late_failed = late_failed | (1 << i);
                SAY("MySQL: refuses late user %d, failed_event has it\n", USER_OF(i))
#endif
            :: else ->
#ifdef WRITES_THE_LATE
                insert(USER_OF(i), SERIAL_OF(i));
#else
                SAY("MySQL: user %d, serial %d, came too late\n", USER_OF(i), SERIAL_OF(i));
#endif
#ifdef WITH_GONE
                if
                :: WAS_OF(USER_OF(i), SERIAL_OF(i)) -> gone = gone | (1 << i)
                :: else
                fi;
#endif
                skip
            fi
        :: else
        fi
    }
    skip
}

#ifdef SETTLES_THE_LATE
#define SETTLES_LATE(index)  true
#elif REFUSALS > 0                      /* a refused record is settled as all others are */
#define SETTLES_LATE(index)  (HAS_INDEX(coupon, index) || HAS_INDEX(late_failed, index))
#else
#define SETTLES_LATE(index)  HAS_INDEX(coupon, index)
#endif

inline settle_all(records, late_records) {
    for (i : 0 .. RECORDS - 1) {
        if
        :: ((records >> i) & 1) && !GONE(PAIR_OF(i)) ->
            settle(USER_OF(PAIR_OF(i)), SERIAL_OF(PAIR_OF(i)), HAS_INDEX(coupon, PAIR_OF(i)), FENCE_OF(i))
        :: else
        fi
    }
    for (i : 0 .. PAIRS - 1) {
        if
        :: ((late_records >> i) & 1) && SETTLES_LATE(i) && !GONE(i) ->
            settle(USER_OF(i), SERIAL_OF(i), HAS_INDEX(coupon, i), 0)
        :: else
        fi
    }
    skip
}

inline commit_offset() {
    topic = (topic & ~batch) | fresh;
    late = (late & ~late_batch) | late_fresh;
    fresh = 0;
    late_fresh = 0;
    SAY("consumer: offset committed\n")
}

/* A mutant that settles before the transaction says "issued" too early. */
inline settle_all_as_issued() {
    for (i : 0 .. RECORDS - 1) {
        if
        :: (batch >> i) & 1 -> settle(USER_OF(PAIR_OF(i)), SERIAL_OF(PAIR_OF(i)), 1, 0)
        :: else
        fi
    }
    skip
}

#ifdef COMMITS_FIRST
#define FIRST   commit_offset()
#define SECOND  write(batch, late_batch, refused_user)
#define THIRD   settle_all(batch, late_batch)
#elif defined(SETTLES_FIRST)
#define FIRST   settle_all_as_issued()
#define SECOND  write(batch, late_batch, refused_user)
#define THIRD   commit_offset()
#elif defined(WRITES_LAST)
#define FIRST   settle_all_as_issued()
#define SECOND  commit_offset()
#define THIRD   write(batch, late_batch, refused_user)
#else
#define FIRST   write(batch, late_batch, refused_user)
#ifdef NEVER_SETTLES
#define SECOND  skip
#else
#define SECOND  settle_all(batch, late_batch)
#endif
#define THIRD   commit_offset()
#define MAY_SKIP_SECOND                                 /* Redis does not reply to settle */
#endif

inline end_batch() {
    batch = 0;
    fresh = 0;
    late_batch = 0;
    late_fresh = 0;
#ifdef WITH_GONE
    gone = 0;
#endif
    refused_user = 0;
    clean()
}

proctype Consumer() {
    byte refused_user;                                  /* user + 1 */
end:
    do
    :: d_step { (topic | late) != 0 ->
            batch = topic;
            late_batch = late;
            SAY("consumer: polls\n")
        };
#if REFUSALS > 0
        if
        :: skip
        :: d_step { refusals > 0 -> refusals--; refused_user = 1 }
        :: d_step { refusals > 0 -> refusals--; refused_user = 2 }
        fi;
#endif
        if
        :: d_step { FIRST; clean() }
        :: atomic { KILL; end_batch(); SAY("consumer: killed\n") }; goto end
        fi;
        if
        :: d_step { SECOND; clean() }
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
end:
    do
    :: d_step { (topic | late) != 0 -> held = topic; late_held = late };
        d_step { write(held, late_held, 0); SAY("(by the zombie)\n"); clean() };
        if
        :: d_step { settle_all(held, late_held); SAY("(by the zombie)\n"); clean() }
        :: d_step { KILL }
        fi;
        d_step { held = 0; late_held = 0 }
    od
}
#endif
