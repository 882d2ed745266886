/* A campaign that changes: its quantity is lowered by one; it is paused, and goes on. What narrows is
 * taken in Redis first and noted there, then made in MySQL, then pushed to Redis. To go on narrows
 * nothing: it is noted, made, and pushed. Killed in between, the scheduler goes on. */
#ifdef CHANGES

/* narrow.lua: no serial above was given. */
#ifdef NARROWS_BLINDLY
#define HAS_ROOM  true
#else
#define NARROWED  (QUANTITY_OF(redis) - 1 + PLACES(redis))
#define HAS_ROOM \
    (redis.count <= NARROWED && redis.applied[0] <= NARROWED && redis.applied[1] <= NARROWED)
#endif
#ifdef CHANGES_UNDER_ANY_FENCE          /* a mutant: an UPDATE without the fence in its WHERE */
#define MAY_CHANGE  true
#else
#define MAY_CHANGE  (fence == under)
#endif
/* What an administrator asks for is no change where the row is so already. */
#ifdef LOWERS
#define MAY_LOWER   (asks == LOWER && HAS_ROOM)
#else
#define MAY_LOWER   false
#endif
#ifdef PAUSES
#define MAY_PAUSE   ((asks == PAUSE && !paused) || (asks == RESUME && paused))
#else
#define MAY_PAUSE   false
#endif

inline narrow() {
    what = asks;
    asks = 0;
    redis.noted = what;
    lags = 1;
    under = redis.fence;
    base = redis.version;
    if
#ifdef LOWERS
    :: what == LOWER -> redis.quantity--; SAY("Redis: narrows the quantity to %d\n", redis.quantity)
#endif
#ifdef PAUSES
    :: what == PAUSE -> redis.paused = 1; SAY("Redis: is paused\n")
    :: what == RESUME ->
        told_paused = 0;
        SAY("Redis: notes that it goes on\n")
#endif
    fi
}

/* UPDATE campaign: only where no row is above, and under the fence that the note was made under. */
inline make() {
    serials = 0;                        /* the highest */
    for (k : 0 .. PAIRS - 1) {
        serials = ((((coupon >> k) & 1) && SERIAL_OF(k) > serials) -> SERIAL_OF(k) : serials)
    }
    if
    :: version != base                                  /* another process has made it */
    :: version == base && !MAY_CHANGE -> SAY("MySQL: a rebuild has begun since\n"); gives_up = 1
#ifdef LOWERS
    :: version == base && MAY_CHANGE && what == LOWER && serials > LAST_SERIAL - 1 ->
        refused = 1;
        SAY("MySQL: serial %d is above\n", serials)
    :: version == base && MAY_CHANGE && what == LOWER && serials <= LAST_SERIAL - 1 ->
        quantity--;
        version++;
        SAY("MySQL: the quantity is %d\n", quantity);
        require_rows()
#endif
#ifdef PAUSES
    :: version == base && MAY_CHANGE && what != LOWER ->
        paused = (what == PAUSE);
        version++;
        SAY("MySQL: paused is %d\n", paused)
#endif
    fi;
    read_row_to_push()
}

/* push.lua: the row as it was read, unless Redis has a later one, or a change of this one. */
#define IS_NOTED  (redis.noted != 0 && redis.version == its_version)
#define GIVEN_UP  (refused && redis.noted == what)
#ifdef PUSHES_ANY_VERSION               /* a mutant */
#define MAY_PUSH  (OPEN && (!IS_NOTED || GIVEN_UP))
#else
#define MAY_PUSH  (OPEN && redis.version <= its_version && (!IS_NOTED || GIVEN_UP))
#endif
inline push() {
    if
    :: MAY_PUSH ->
#ifdef LOWERS
        redis.quantity = its_quantity;
#endif
#ifdef PAUSES
        redis.paused = its_paused;
#endif
        redis.version = its_version;
        redis.noted = 0;
        lags = 1;
        SAY("Redis: has version %d\n", its_version)
    :: else -> SAY("Redis: does not take version %d\n", its_version)
    fi
}

inline read_row_to_push() {
#ifdef LOWERS
    its_quantity = quantity;
#endif
#ifdef PAUSES
    its_paused = paused;
#endif
    its_version = version
}

/* The administrator reads that it was done: from then on no applicant may be admitted, until one
 * asks for the campaign to go on. */
inline tell_paused() {
#ifdef PAUSES
    if
    :: what == PAUSE && its_paused && OPEN && redis.version == its_version && redis.noted == 0 ->
        told_paused = 1;
        SAY("the administrator is told that it is paused\n")
    :: else
    fi;
#endif
    skip
}

inline end_change() {
    what = 0;
    under = 0;
    base = 0;
#ifdef LOWERS
    its_quantity = 0;
#endif
#ifdef PAUSES
    its_paused = 0;
#endif
    its_version = 0;
    refused = 0;
    gives_up = 0;
    clean()
}

/* asks: what its administrator asks for, once; 0: the scheduler. */
proctype Change(mtype asks; bit is_scheduler) {
    mtype what;
    byte under, base, its_version;
#ifdef LOWERS
    byte its_quantity;
#endif
#ifdef PAUSES
    bit its_paused;
#endif
    bit refused, gives_up;
end:
    if
#ifdef LOWERS_IN_MYSQL_FIRST            /* a mutant */
    :: d_step { asks != 0 && OPEN -> what = asks; asks = 0; base = version; under = fence }
#else
    :: d_step { asks != 0 && OPEN && redis.noted == 0 && (MAY_LOWER || MAY_PAUSE) -> narrow() }
#endif
#ifdef PAUSES_IN_REDIS_ONLY             /* a mutant: no version of MySQL's row has it */
    :: d_step { asks == PAUSE && OPEN && redis.noted == 0 ->
            asks = 0;
            redis.paused = 1;
            lags = 1;
            told_paused = 1;
            SAY("Redis: is paused, and no other server is\n")
        };
        goto end
#endif
    /* The scheduler reads MySQL, then Redis. */
    :: d_step { is_scheduler && OPEN && (redis.noted != 0 || redis.version < version) ->
            read_row_to_push()
        };
        if
        :: d_step { OPEN && IS_NOTED ->
                base = its_version;
                under = redis.fence;
                what = redis.noted;
                SAY("scheduler: a change is noted\n")
            }
        :: d_step { OPEN && !IS_NOTED -> push(); end_change() };
            goto end
        :: d_step { !OPEN -> end_change() }; goto end
        fi
    fi;
    if
    :: d_step { NONE_WRITES -> make(); clean() }
    :: d_step { KILL; end_change() }; goto end
    fi;
    if
    :: d_step { !gives_up -> push(); tell_paused(); end_change() }
    :: d_step { gives_up || LOSES -> end_change() }     /* killed, or it asks again */
    fi;
    goto end
}
#endif
