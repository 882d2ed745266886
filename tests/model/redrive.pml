/* redrive_handler: failed events are written again, if need be under another serial. */
#ifdef WITH_FAILED_EVENTS
int dead;                               /* failed_event, status DEAD: no serial is left */

#define FAILED_USER  (USER_OF(PAIR_OF(event - 1)))
#define RESOLVED     (OF_USER(OWNED, FAILED_USER) != 0)
#define DUE          (failed & ~dead)

/* One script: another serial for a user whose serial was refused. A repeat returns the same. */
inline reassign(user, serial) {
    if
    :: redis.applied[user] != 0 && redis.applied[user] != serial -> serial = redis.applied[user]
    :: else ->
        limit = LIMIT(redis);                           /* also where it is paused, or not released */
        free_serial(redis, serial);
        if
        :: serial != 0 ->
            take_serial(redis, serial);
            redis.applied[user] = serial;
            redis.pending[user] = 1;
            lags = 1
        :: else
        fi
    fi;
    under = redis.fence;
    SAY("redrive: user %d shall have serial %d instead\n", user, serial)
}

inline release() {
    locked = 0;
    event = 0;
    serial = 0;
    is_written = 0;
    under = 0;
    clean()
}

/* Written, or the user has a coupon already: what is settled is the row. */
inline resolve() {
    is_written = 1;
    failed = failed & ~(1 << (event - 1));
    for (k : 1 .. SERIALS) {
        if
        :: HAS(OWNED, FAILED_USER, k) -> serial = k
        :: else
        fi
    }
    locked = 0
}


/* A serial that Redis has just given counts only in its history. */
#if defined(WITHOUT_FENCE) || defined(REASSIGNS_WITHOUT_FENCE)
#define REASSIGNED_MAY_BE_WRITTEN  true
#else
#define REASSIGNED_MAY_BE_WRITTEN  (under == 0 || under == fence)
#endif

proctype Redrive() {
    byte event, serial, under;                          /* the record's index + 1 */
    bit is_written;
end:
    do
    :: d_step { late_failed != 0 ->                     /* its user was not accepted */
            late_failed = 0;
            SAY("redrive: what came too late is resolved, without a row\n")
        }
    :: d_step { DUE != 0 ->                             /* FOR UPDATE SKIP LOCKED, the oldest */
            for (i : 0 .. RECORDS - 1) {
                if
                :: event == 0 && ((DUE >> i) & 1) -> event = i + 1; serial = SERIAL_OF(PAIR_OF(i))
                :: else
                fi
            }
            locked = 1;
            SAY("redrive: takes user %d, serial %d\n", FAILED_USER, serial);
            clean()
        };
again:
        if
        :: d_step {                                     /* INSERT, RESOLVED, COMMIT */
                if
                :: REASSIGNED_MAY_BE_WRITTEN ->
                    insert(FAILED_USER, serial);
                    if
                    :: is_gone ->       /* resolved, and nothing to settle */
                        failed = failed & ~(1 << (event - 1));
                        release()
                    :: !is_gone && RESOLVED -> resolve()
                    :: else
                    fi
                :: else -> SAY("redrive: of another fence\n"); release()
                fi;
                clean()
            }
        :: atomic { KILL; release() }; goto end
        fi;
        if
        :: d_step { event != 0 && is_written -> settle(FAILED_USER, serial, 1, 0); release() }
        :: d_step { event != 0 && !is_written && OPEN -> reassign(FAILED_USER, serial); clean() };
            if
            :: serial != 0 -> goto again
            :: d_step { serial == 0 -> dead = dead | (1 << (event - 1)); release() }
            fi
        :: d_step { event != 0 && !is_written && !OPEN -> release() }     /* later */
        :: event == 0
        :: atomic { KILL; release() }
        fi
    od
}
#endif
