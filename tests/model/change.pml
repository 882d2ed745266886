/* A campaign that changes: its quantity is lowered by one. What narrows is taken in Redis first and
 * noted there, then made in MySQL, then pushed to Redis. Killed in between, the scheduler goes on. */
#ifdef LOWERS

/* narrow.lua: no serial above was given. */
#ifdef NARROWS_BLINDLY
#define HAS_ROOM  true
#else
#define NARROWED  (redis.quantity - 1 + PLACES(redis))
#define HAS_ROOM \
    (redis.count <= NARROWED && redis.applied[0] <= NARROWED && redis.applied[1] <= NARROWED)
#endif
#ifdef LOWERS_UNDER_ANY_FENCE           /* a mutant: an UPDATE without the fence in its WHERE */
#define MAY_CHANGE  true
#else
#define MAY_CHANGE  (fence == under)
#endif

inline narrow() {
    redis.quantity--;
    redis.noted = 1;
    lags = 1;
    under = redis.fence;
    base = redis.version;
    SAY("Redis: narrows the quantity to %d\n", redis.quantity)
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
    :: version == base && MAY_CHANGE && serials > LAST_SERIAL - 1 ->
        refused = 1;
        SAY("MySQL: serial %d is above\n", serials)
    :: else ->
        quantity--;
        version++;
        SAY("MySQL: the quantity is %d\n", quantity);
        require_rows()
    fi;
    its_quantity = quantity;
    its_version = version
}

/* push.lua: the row as it was read, unless Redis has a later one, or a change of this one. */
#define IS_NOTED  (redis.noted && redis.version == its_version)
#define MAY_PUSH  (OPEN && redis.version <= its_version && (!IS_NOTED || refused))
inline push() {
    if
    :: MAY_PUSH ->
        redis.quantity = its_quantity;
        redis.version = its_version;
        redis.noted = 0;
        lags = 1;
        SAY("Redis: has version %d\n", its_version)
    :: else -> SAY("Redis: does not take version %d\n", its_version)
    fi
}

inline end_change() {
    under = 0;
    base = 0;
    its_quantity = 0;
    its_version = 0;
    refused = 0;
    gives_up = 0;
    clean()
}

proctype Lower(bit asks) {
    byte under, base, its_quantity, its_version;
    bit refused, gives_up;
end:
    if
#ifdef LOWERS_IN_MYSQL_FIRST            /* a mutant */
    :: d_step { asks && OPEN -> asks = 0; base = version; under = fence }
#else
    :: d_step { asks && OPEN && redis.version == 1 && !redis.noted && HAS_ROOM -> asks = 0; narrow() }
#endif
    /* The scheduler reads MySQL, then Redis. */
    :: d_step { !asks && OPEN && (redis.noted || redis.version < version) ->
            its_quantity = quantity;
            its_version = version
        };
        if
        :: d_step { OPEN && IS_NOTED ->
                base = its_version;
                under = redis.fence;
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
    :: d_step { !gives_up -> push(); end_change() }
    :: d_step { gives_up || LOSES -> end_change() }     /* killed, or it asks again */
    fi;
    goto end
}
#endif
