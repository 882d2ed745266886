/* redrive_handler: failed events are written again, if need be under another serial. */
#ifdef WITH_FAILED_EVENTS
short dead;                             /* failed_event, status DEAD: no serial is left */

/* One script: another serial for a user whose serial was refused. A repeat returns the same. */
inline reassign(user, serial) {
    if
    :: redis.applied[user] != 0 && redis.applied[user] != serial -> serial = redis.applied[user]
    :: else ->
        take_serial(serial);
        if
        :: serial != 0 ->
            redis.applied[user] = serial;
            redis.pending[user] = 1;
            unsaved = 1
        :: else
        fi
    fi;
    SAY("redrive: user %d shall have serial %d instead\n", user, serial)
}

inline release() {
    locked[user - 1] = 0;
    user = 0;
    serial = 0;
    event = 0;
    stands = 0
}

proctype Redrive() {
    byte user, serial;                                  /* user + 1 */
    short event;
    bit stands;
end:
    do
    :: d_step { (failed & ~dead) != 0 ->                /* FOR UPDATE SKIP LOCKED, the oldest */
            for (i : 0 .. PAIRS - 1) {
                if
                :: user == 0 && (((failed & ~dead) >> i) & 1) ->
                    user = USER_OF(i) + 1;
                    serial = SERIAL_OF(i);
                    event = 1 << i
                :: else
                fi
            }
            locked[user - 1] = 1;
            SAY("redrive: takes user %d, serial %d\n", user - 1, serial)
        };
again:
        if
        :: d_step {                                     /* INSERT, RESOLVED, COMMIT */
                insert(user - 1, serial);
                if
                :: OF_USER(coupon, user - 1) != 0 ->    /* now, or earlier by another record */
                    stands = 1;
                    failed = failed & ~event;
                    locked[user - 1] = 0;
                    for (k : 1 .. SERIALS) {
                        if
                        :: HAS(coupon, user - 1, k) -> serial = k
                        :: else
                        fi
                    }
                :: else
                fi;
                skip
            }
        :: atomic { KILL; release() }; goto end
        fi;
        if
        :: d_step { stands -> settle(user - 1, serial, 1); release() }
        :: d_step { !stands && OPEN -> reassign(user - 1, serial) };
            if
            :: serial != 0 -> goto again
            :: d_step { serial == 0 -> dead = dead | event; release() }
            fi
        :: d_step { !stands && !OPEN -> release() }     /* later */
        :: atomic { KILL; release() }
        fi
    od
}
#endif
