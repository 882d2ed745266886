/* apply_handler, and its user, who applies again or gives up. */
mtype = { NOTHING, ACCEPTED, ALREADY_APPLIED, SOLD_OUT, PAUSED_NOW, NEXT_RELEASE };
SCRATCH mtype outcome = NOTHING;

/* admit.lua */
inline admit(server, user, serial) {
    serial = server.applied[user];
#ifdef ERASES
    serial = (serial == 0 && user == 0 && server.erased -> server.pseudonym : serial);
#endif
    if
    :: serial != 0 -> outcome = ALREADY_APPLIED
    :: else ->
        limit = LIMIT(server);
        free_serial(server, serial);
        if
        :: serial == 0 -> outcome = SOLD_OUT
        :: serial != 0 && PAUSED(server) -> outcome = PAUSED_NOW; serial = 0
        :: else -> limit = LIMIT_NOW(server); free_serial(server, serial)
        fi;
        if
        :: outcome != NOTHING
        :: outcome == NOTHING && serial == 0 -> outcome = NEXT_RELEASE
        :: else ->
            take_serial(server, serial);
            outcome = ACCEPTED;
#ifdef PAUSES
            admitted_while_paused = told_paused;
            assert(!admitted_while_paused);
#endif
#ifdef ERASES
            told_erased = (user == 0 -> 0 : told_erased);       /* and comes with the id again */
#endif
            server.applied[user] = serial;
#ifndef WITHOUT_PENDING
            server.pending[user] = 1;
#endif
            lags = 1
        fi
    fi;
    SAY("user %d: the script says %e %d\n", user, outcome, serial);
    serial_held_twice = (serial != 0 && BLANK(server, serial));
    assert(!serial_held_twice);
#if !defined(DEGRADED) && !defined(FORMER_PRIMARY)
    P3_accepted_told_otherwise = (told[user] && outcome != ALREADY_APPLIED);
#endif
    assert(!P3_accepted_told_otherwise);
    under = server.fence;
    if
    :: outcome == SOLD_OUT || outcome == PAUSED_NOW || outcome == NEXT_RELEASE -> leave()
#ifdef ALREADY_AT_ONCE
    :: outcome == ALREADY_APPLIED ->
#ifndef ALREADY_PROMISES_NOTHING
        promise(user, serial);
#endif
        leave()
#else
    /* Not pending: MySQL has it. Still pending: sent again, as if it were new. */
    :: outcome == ALREADY_APPLIED && !server.pending[user] -> promise(user, serial); leave()
#endif
    :: else
    fi;
    outcome = NOTHING;
    clean()
}

inline promise(user, serial) {
    SAY("user %d: is told ACCEPTED, serial %d\n", user, serial);
    if
    :: HAS(given_back, user, serial)                    /* the user has given it back meanwhile */
    :: else ->
#ifndef DEGRADED
        P3_accepted_told_otherwise = (shown[user] != 0 && shown[user] != serial);
#endif
        assert(!P3_accepted_told_otherwise);
        told[user] = 1;
        shown[user] = serial
    fi
}

inline leave() {
    serial = 0;
    under = 0
}

/* Kafka took too long, so this one returns the serial: wrong, the record may be there. */
inline take_back(user) {
    if
    :: OPEN && redis.applied[user] == serial ->
        redis.applied[user] = 0;
        redis.pending[user] = 0;
        redis.returned = redis.returned | (1 << serial);
        lags = 1;
        SAY("user %d: serial %d is taken back\n", user, serial)
    :: else
    fi;
    leave()
}

/* confirm.lua, asked after Kafka's ack */
#ifdef WITHOUT_CONFIRMATION
#define CONFIRMED  true
#elif defined(CONFIRMS_IN_MYSQL)
#define CONFIRMED  (fence == under)
#elif defined(FORMER_PRIMARY) && !defined(CONFIRMED_BY_REPLICA)
#define CONFIRMED  ((OPEN && redis.fence == under) || (FORMER_OPEN && former.fence == under))
#else
#define CONFIRMED  (OPEN && redis.fence == under)
#endif
#ifdef FORMER_PRIMARY
/* Its replication id is still that of the history it was the primary of. */
#define FORMER_OPEN  (former.epoch != 0 && former.builder == 0)
#endif

#if defined(WITHOUT_FENCE) || defined(FENCE_WITHOUT_LOCK)
#define MAY_WRITE  true
#else
#define MAY_WRITE  (fence == under)
#endif

proctype Apply(byte me) {
    byte attempts = (me == USERS - 1 -> ATTEMPTS : ATTEMPTS_OTHERS), serial, under;
end:
    do
    :: d_step { attempts > 0 && OPEN -> attempts--; admit(redis, me, serial) };
        if
        :: serial == 0
        :: else -> goto hand_over
        fi
#ifdef FORMER_PRIMARY
    :: d_step { attempts > 0 && FORMER_OPEN ->
            attempts--;
            SAY("(by the former primary) ");
            admit(former, me, serial)
        };
        if
        :: serial == 0
        :: else -> goto hand_over
        fi
#endif
    :: d_step { attempts > 0 -> attempts = 0 }          /* gives up */
    od;

hand_over:
#ifdef WITHOUT_ACK
    if                                                  /* and sends in the background */
    :: d_step { promise(me, serial); send(PAIR(me, serial), under); leave() }
    fi;
    goto end;
#endif
    if
    :: d_step {
            append(PAIR(me, serial), under);
            SAY("user %d: Kafka has it and says so\n", me);
            clean()
        }
    :: d_step {                                         /* it may be in the topic, or come late */
            send(PAIR(me, serial), under);
            SAY("user %d: sent, and no ack\n", me);
#ifdef TAKES_BACK
            take_back(me);
#endif
            skip
        };
        goto not_safe
    fi;
    if
#ifdef CONFIRMED_BY_REPLICA
    /* A replica that takes the script's write has taken all before it, and was none of another
     * primary then. The former primary has no replica: that one was promoted. */
    :: d_step { CONFIRMED ->
            copy(copied, redis);
            lags = 0;
            SAY("user %d: a replica has taken the confirmation\n", me);
            clean()
        };
        d_step { promise(me, serial); leave() };        /* the acknowledgement was on its way */
        goto end
#else
    :: d_step { CONFIRMED -> promise(me, serial); leave() }; goto end
#endif
    :: d_step { SAY("user %d: not confirmed\n", me) }
    fi;

not_safe:
#ifdef FENCE_WITHOUT_LOCK
    if
    :: d_step { serial != 0 && fence == under -> SAY("user %d: the fence is right\n", me) }
    :: d_step { leave() }; goto end
    fi;
#endif
    if
    :: d_step { serial != 0 && MAY_WRITE ->             /* the direct write */
            SAY("user %d writes directly: ", me);
            insert(me, serial);
            if
            :: is_refused || is_gone -> leave()
            :: else -> promise(me, serial)
            fi;
            clean()
        }
    :: d_step {                                         /* MySQL is down, or apply is killed */
            SAY("user %d: 503, or killed\n", me);
#ifdef ACCEPTS_UNSAFE
            promise(me, serial);
#endif
            leave()
        }
    fi;
    if
    :: d_step { serial != 0 -> settle(me, serial, 1, under); leave(); clean() }
    :: d_step { leave() }
    fi;
    goto end
}
