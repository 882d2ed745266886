/* The protocol of one campaign, for Spin. README.md beside this file says what is proven.
 *
 * Every `d_step` is one atomic step of the real system: one Lua script in Redis, one transaction in
 * MySQL, one append to Kafka. Between any two of them everything else may happen, and the process
 * may be killed. What check.py passes with -D:
 *
 *   USERS QUANTITY ATTEMPTS    size of the world; how often each user may press the button
 *   RESTARTS FLUSHES           how often Redis may restart (and lose what is not fsynced) or be emptied
 *   REFUSALS                   how often MySQL may refuse a record, which then stands in failed_event
 *   REBUILDS                   how many rebuilds run at once
 *   LATE                       a record whose sender gave up, or died, may reach Kafka later
 *   KILLS                      bounds the kills of background processes (liveness); else unbounded
 *   WITHOUT_... and the like   one guard taken away: the mutants
 */
#ifndef USERS
#define USERS 2
#endif
#ifndef QUANTITY
#define QUANTITY 1
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#ifndef FLUSHES
#define FLUSHES 0
#endif
#ifndef REFUSALS
#define REFUSALS 0
#endif
#ifndef REBUILDS
#define REBUILDS 1
#endif

#ifdef WITHOUT_REDIS_QUOTA
#define SERIALS (QUANTITY + 1)     /* one above the quantity is enough to see it pass the limit */
#else
#define SERIALS QUANTITY
#endif
#define PAIRS (USERS * SERIALS)

/* A set of (user, serial) pairs is a bit mask; users count from 0, serials from 1, 0 means none. */
#define PAIR(user, serial)   (1 << ((user) * SERIALS + (serial) - 1))
#define USER_OF(index)       ((index) / SERIALS)
#define SERIAL_OF(index)     ((index) % SERIALS + 1)
#define OF_USER(set, user)   (((set) >> ((user) * SERIALS)) & ((1 << SERIALS) - 1))
#define HAS(set, user, serial) (((set) & PAIR(user, serial)) != 0)

/* ---- Redis: what it holds now, and what its disk holds. ------------------------------------- */
typedef State {
    byte applied[USERS];           /* applied_user: serial, 0 = unknown user */
    bit pending[USERS];
    byte count;                    /* coupon_count */
    byte returned;                 /* bit n: serial n lies in `returned` */
    byte epoch;                    /* of the campaign hash; 0 = the key is not there */
    byte token                     /* which rebuild is at work */
}
State redis, disk;
byte run = 1;                      /* run_id of the server: another one after each restart */
bit unsaved;                       /* redis differs from disk */
byte restarts = RESTARTS, flushes = FLUSHES, refusals = REFUSALS;
#ifdef KILLS
byte kills = KILLS;
#define KILL   kills > 0 -> kills--
#else
#define KILL   true
#endif

#ifdef WITHOUT_EPOCH
#define OPEN   true
#else
#define OPEN   (redis.epoch == run)
#endif
#define WROTE  unsaved = 1

/* ---- Kafka: records at or behind the group's committed offset. ------------------------------- */
short topic;                       /* consumed and committed records leave this set */
short fresh;                       /* … sent since the consumer polled: a commit leaves these */
short wire;                        /* sent by somebody who no longer waits for the answer */

/* ---- MySQL ------------------------------------------------------------------------------------ */
short coupon;                      /* rows */
short failed;                      /* failed_event with status PENDING */
bit locked[USERS];                 /* a redrive holds the failed_event row of this user */

/* ---- What was said to people ------------------------------------------------------------------ */
bit told[USERS];                   /* was told ACCEPTED (or ALREADY_APPLIED, which promises the same) */
byte shown[USERS];                 /* the serial that this user was shown */

/* ---- Who is between the script and the answer ------------------------------------------------- */
byte busy;                         /* bit u: the apply of user u; bit USERS: the relay */
#define RELAYING  (1 << USERS)

/* ---- What must never be. An error names the first of these that came true. --------------------- */
hidden bit P1_one_too_many, P2_two_for_one_user, P3_accepted_without_coupon, P3_told_otherwise;
hidden bit accepted_record_collides, closed_for_good, coupon_unknown_to_redis, serial_lost_for_good;
hidden bit pending_for_good;
hidden byte i, k;
hidden byte serials_of, users_of;

inline copy_state(target, source) {
    for (k : 0 .. USERS - 1) {
        target.applied[k] = source.applied[k];
        target.pending[k] = source.pending[k]
    }
    target.count = source.count;
    target.returned = source.returned;
    target.epoch = source.epoch;
    target.token = source.token
}

inline fsync() { copy_state(disk, redis); unsaved = 0 }

inline append(user, serial) {
    topic = topic | PAIR(user, serial);
    fresh = fresh | PAIR(user, serial)
}

/* ---- apply_handler ----------------------------------------------------------------------------- */
mtype = { NOBODY, ACCEPTED, ALREADY, SOLD_OUT };

/* admit.lua */
inline admit(user, outcome, serial) {
    serial = redis.applied[user];
    if
    :: serial != 0 -> outcome = ALREADY
    :: else ->
        k = 1;
        do
        :: k <= QUANTITY && !((redis.returned >> k) & 1) -> k++
        :: else -> break
        od;
        if
        :: k <= QUANTITY -> redis.returned = redis.returned & ~(1 << k); serial = k
        :: k > QUANTITY && redis.count < SERIALS -> redis.count++; serial = redis.count
        :: else -> skip
        fi;
        if
        :: serial == 0 -> outcome = SOLD_OUT
        :: else ->
            outcome = ACCEPTED;
            redis.applied[user] = serial;
#ifndef WITHOUT_PENDING
            redis.pending[user] = 1;
#endif
            WROTE
        fi;
        /* Admitted anew, or turned away, although told before. */
        P3_told_otherwise = told[user];
        assert(!P3_told_otherwise)
    fi
}

inline promise(user, serial) {
    P3_told_otherwise = (shown[user] != 0 && shown[user] != serial);
    assert(!P3_told_otherwise);
    told[user] = 1;
    shown[user] = serial
}

#define LEAVE(user)  busy = busy & ~(1 << (user)); outcome = NOBODY; serial = 0

proctype Apply(byte me) {
    byte attempts = ATTEMPTS, serial;
    mtype outcome = NOBODY;
end:
    do
    :: d_step { attempts > 0 && OPEN ->
            attempts--;
            admit(me, outcome, serial);
            if
            :: outcome == SOLD_OUT -> outcome = NOBODY
#ifdef ALREADY_AT_ONCE
            :: outcome == ALREADY -> promise(me, serial); outcome = NOBODY; serial = 0
#else
            /* No longer pending: MySQL has it. Still pending: handed over again, as if new. */
            :: outcome == ALREADY && !redis.pending[me] ->
                promise(me, serial); outcome = NOBODY; serial = 0
#endif
            :: else -> busy = busy | (1 << me)
            fi
        };
        if
        :: outcome == NOBODY
        :: else -> goto hand_over
        fi
    :: d_step { attempts > 0 -> attempts = 0 }      /* the client gives up */
    od;

hand_over:
#ifdef WITHOUT_ACK
    d_step { promise(me, serial) };                 /* answers, and sends in the background */
    if
    :: d_step { append(me, serial); LEAVE(me) }
    :: d_step { LEAVE(me) }
    fi;
    goto end;
#endif
    if
    :: d_step { append(me, serial) }; goto acknowledged
    :: d_step { append(me, serial) }                /* … but the ack gets lost */
    :: skip                                         /* Kafka is down, or this process is killed */
#ifdef LATE
    :: d_step { wire = wire | PAIR(me, serial) }    /* may still arrive */
#endif
    fi;

#ifdef TAKES_BACK
    /* "It failed, so take the serial back": wrong, since the record may be there all the same. */
    if
    :: d_step { OPEN && redis.applied[me] == serial ->
            redis.applied[me] = 0; redis.pending[me] = 0;
            redis.returned = redis.returned | (1 << serial); WROTE; LEAVE(me) }
    :: d_step { LEAVE(me) }
    fi;
    goto end;
#endif
    if  /* confirm.lua and WAITAOF */
    :: d_step { OPEN && redis.applied[me] == serial -> fsync(); }
    :: d_step { LEAVE(me) }; goto end               /* 503, or killed */
    fi;

acknowledged:
    if
    :: d_step { promise(me, serial); LEAVE(me) }
    :: d_step { LEAVE(me) }                         /* killed before the answer */
    fi;
    goto end
}

/* ---- what writes into MySQL -------------------------------------------------------------------- */

/* One record by the guarded INSERT; refused = 0, or 1 where a guard stands in the way. */
inline insert(user, serial, refused) {
    users_of = 0;
    for (k : 0 .. USERS - 1) {
        if
        :: HAS(coupon, k, serial) -> users_of++
        :: else
        fi
    }
    serials_of = OF_USER(coupon, user);
    refused = 0;
    if
    :: HAS(coupon, user, serial) ->
#ifdef WITHOUT_UNIQUE_USER
        P2_two_for_one_user = 1;                    /* the record came again: a second row */
        assert(!P2_two_for_one_user)
#endif
        skip
    :: else ->
        if
#ifndef WITHOUT_UNIQUE_USER
        :: serials_of != 0 -> refused = 1
#endif
#ifndef WITHOUT_UNIQUE_SERIAL
        :: users_of != 0 -> refused = 1
#endif
#ifndef WITHOUT_SCHEMA_QUANTITY
        :: serial > QUANTITY -> refused = 1
#endif
        :: else -> coupon = coupon | PAIR(user, serial)
        fi
    fi;
    check_rows()
}

inline check_rows() {
    users_of = 0;
    for (k : 0 .. PAIRS - 1) {
        if
        :: (coupon >> k) & 1 ->
            users_of++;
            P1_one_too_many = (users_of > QUANTITY || SERIAL_OF(k) > QUANTITY);
            assert(!P1_one_too_many);
            serials_of = OF_USER(coupon, USER_OF(k));
            P2_two_for_one_user = ((serials_of & (serials_of - 1)) != 0);
            assert(!P2_two_for_one_user)
        :: else
        fi
    }
}

/* settle.lua for one record */
inline settle(user, serial, issued) {
    if
    :: issued ->
        if
        :: redis.applied[user] != serial ->
            redis.applied[user] = serial;
            redis.returned = redis.returned & ~(1 << serial)
        :: else
        fi;
        if
        :: serial > redis.count -> redis.count = serial
        :: else
        fi;
        redis.pending[user] = 0
    :: else ->
        if
        :: redis.applied[user] == serial -> redis.pending[user] = 0
        :: else
        fi
    fi;
    WROTE
}

/* ---- consume_handler and the poller's offsets ---------------------------------------------------- */
inline write_batch() {
    for (i : 0 .. PAIRS - 1) {
        if
        :: (batch >> i) & 1 ->
            if
            :: refuse == USER_OF(i) + 1 -> failed = failed | (1 << i)
            :: else ->
                insert(USER_OF(i), SERIAL_OF(i), users_of_refused);
                if
                :: users_of_refused ->
                    failed = failed | (1 << i);
#ifndef DEGRADED
                    accepted_record_collides = 1;
                    assert(!accepted_record_collides)
#endif
                    skip
                :: else
                fi
            fi
        :: else
        fi
    }
}
hidden bit users_of_refused;

inline settle_batch() {
    for (i : 0 .. PAIRS - 1) {
        if
        :: (batch >> i) & 1 -> settle(USER_OF(i), SERIAL_OF(i), ((coupon >> i) & 1))
        :: else
        fi
    }
}

inline commit_offset() { topic = (topic & ~batch) | fresh; fresh = 0 }

proctype Consumer() {
    short batch;
    byte refuse;                   /* user + 1: MySQL will refuse this user's record for good */
end:
    do
    :: d_step { topic != 0 -> batch = topic; fresh = 0 };
        if
        :: refuse = 0
        :: refusals > 0 -> refusals--; refuse = 1
        :: refusals > 0 -> refusals--; refuse = 2
        fi;
#ifdef COMMITS_FIRST
        if
        :: d_step { commit_offset() }
        :: KILL; goto killed
        fi;
        if
        :: d_step { write_batch() }
        :: KILL; goto killed
        fi;
        if
        :: d_step { settle_batch(); batch = 0; refuse = 0 }
        :: KILL; goto killed
        fi;
#else
        if
        :: d_step { write_batch() }
        :: KILL; goto killed
        fi;
        if
        :: d_step { settle_batch() }
        :: skip                                     /* Redis gave no answer: go on */
        :: KILL; goto killed
        fi;
        if
        :: d_step { commit_offset(); batch = 0; refuse = 0 }
        :: KILL; goto killed
        fi;
#endif
        goto end;
killed: d_step { batch = 0; refuse = 0; fresh = 0 }
    od
}

/* ---- relay_handler -------------------------------------------------------------------------------- */
#ifndef WITHOUT_PENDING
proctype Relay() {
    byte user, serial;             /* user + 1 */
end:
    do
    :: d_step { OPEN && oldest_pending() -> 
            user = 0;
            for (i : 0 .. USERS - 1) {
                if
                :: user == 0 && PENDING_UNSENT(i) -> user = i + 1; serial = redis.applied[i]
                :: else
                fi
            }
            busy = busy | RELAYING
        };
        if
        :: d_step { append(user - 1, serial) }
#ifdef LATE
        :: d_step { wire = wire | PAIR(user - 1, serial) }
#endif
        :: KILL
        fi;
        d_step { user = 0; serial = 0; busy = busy & ~RELAYING }
    od
}
#endif

init { skip }
