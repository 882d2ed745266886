/* apply_handler, and its user, who applies again or gives up. */
mtype = { NOTHING, ACCEPTED, ALREADY_APPLIED, SOLD_OUT };

/* admit.lua */
inline admit(user, outcome, serial) {
    serial = redis.applied[user];
    if
    :: serial != 0 -> outcome = ALREADY_APPLIED
    :: else ->
        take_serial(serial);
        if
        :: serial == 0 -> outcome = SOLD_OUT
        :: else ->
            outcome = ACCEPTED;
            redis.applied[user] = serial;
#ifndef WITHOUT_PENDING
            redis.pending[user] = 1;
#endif
            unsaved = 1
        fi
    fi;
    SAY("user %d: the script says %e %d\n", user, outcome, serial);
#ifndef DEGRADED
    P3_accepted_told_otherwise = (told[user] && outcome != ALREADY_APPLIED);
#endif
    assert(!P3_accepted_told_otherwise)
}

inline promise(user, serial) {
    SAY("user %d: is told serial %d\n", user, serial);
#ifndef DEGRADED
    P3_accepted_told_otherwise = (shown[user] != 0 && shown[user] != serial);
#endif
    assert(!P3_accepted_told_otherwise);
    told[user] = 1;
    shown[user] = serial
}

inline leave(user) {
    busy = busy & ~(1 << user);
    outcome = NOTHING;
    serial = 0
}

/* Kafka took too long, so this one returns the serial: wrong, the record may be there. */
inline take_back(user) {
    if
    :: OPEN && redis.applied[user] == serial ->
        redis.applied[user] = 0;
        redis.pending[user] = 0;
        redis.returned = redis.returned | (1 << serial);
        unsaved = 1;
        SAY("user %d: serial %d is taken back\n", user, serial)
    :: else
    fi;
    leave(user)
}

proctype Apply(byte me) {
    byte attempts = (me == USERS - 1 -> ATTEMPTS : ATTEMPTS_OTHERS), serial;
    mtype outcome = NOTHING;
end:
    do
    :: d_step { attempts > 0 && OPEN ->
            attempts--;
            admit(me, outcome, serial);
            if
            :: outcome == SOLD_OUT -> outcome = NOTHING
#ifdef ALREADY_AT_ONCE
            :: outcome == ALREADY_APPLIED ->
#ifndef ALREADY_PROMISES_NOTHING
                promise(me, serial);
#endif
                outcome = NOTHING;
                serial = 0
#else
            /* Not pending: MySQL has it. Still pending: sent again, as if it were new. */
            :: outcome == ALREADY_APPLIED && !redis.pending[me] ->
                promise(me, serial);
                outcome = NOTHING;
                serial = 0
#endif
            :: else -> busy = busy | (1 << me)
            fi
        };
        if
        :: outcome == NOTHING
        :: else -> goto hand_over
        fi
    :: d_step { attempts > 0 -> attempts = 0 }          /* gives up */
    od;

hand_over:
#ifdef WITHOUT_ACK
    if                                                  /* and sends in the background */
    :: d_step { promise(me, serial) }
    fi;
    if
    :: d_step { append(me, serial); leave(me) }
    :: d_step { leave(me) }                             /* frozen or killed */
    fi;
    goto end;
#endif
    if
    :: d_step { append(me, serial); SAY("user %d: Kafka has it and says so\n", me) };
        goto acknowledged
    :: d_step { append(me, serial); SAY("user %d: Kafka has it, the ack is lost\n", me) }
    :: d_step { SAY("user %d: not sent: Kafka is down, or this apply is killed\n", me) }
#ifdef LATE
    :: d_step { wire = wire | PAIR(me, serial); SAY("user %d: sent, and given up\n", me) }
#endif
    fi;
#ifdef TAKES_BACK
    d_step { take_back(me) };
    goto end;
#endif
    if
    :: d_step { OPEN && redis.applied[me] == serial ->  /* confirm.lua and WAITAOF */
            fsync();
#if FLUSHES > 0
            on_disk_only[me] = 1;
#endif
            SAY("user %d: it is on Redis's disk\n", me)
        }
    :: d_step { leave(me); SAY("user %d: 503, or killed\n", me) };
        goto end
    fi;

acknowledged:
    if
    :: d_step { promise(me, serial); leave(me) }
    :: d_step { leave(me); SAY("user %d: killed before the answer\n", me) }
    fi;
    goto end
}
