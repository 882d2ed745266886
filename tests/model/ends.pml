/* Coupons that end: given back by their users, revoked by an administrator. MySQL first, which has a
 * place more from then on, then Redis, which gives it. A serial is never given twice. */
#if ENDS > 0

#ifdef ENDS_TWICE                       /* a mutant: an UPDATE without its WHERE */
#define STILL_SO(index)  true
#else
#define STILL_SO(index)  (((ended >> (index)) & 1) == 0)
#endif

/* The row that this call has read: its index + 1. */
inline read_row(user) {
    for (i : 0 .. PAIRS - 1) {
        if
        :: row == 0 && USER_OF(i) == user && (((OWNED & ~ended) >> i) & 1) -> row = i + 1
        :: else
        fi
    }
}

/* In the transaction of the change: the campaign's row is locked, and has one place more. */
inline return_place() {
    ended = ended | (1 << (row - 1));
#ifndef ADDS_NOTHING
    of_place[places] = row;
    places++;
#endif
    SAY("MySQL: user %d, serial %d ends: %d places are returned\n",
        USER_OF(row - 1), SERIAL_OF(row - 1), places);
#ifdef ORDERS
    if
    :: USER_OF(row - 1) == 0 ->
        ended_coupon_used = (state == USED);
        assert(!ended_coupon_used);
        state = ISSUED;                 /* of the next coupon of this user */
        order = 0;
        is_over = 0;
#ifdef EXPIRES
        expired_coupon_exchanged = (is_expired && ((given_back >> (row - 1)) & 1));
        assert(!expired_coupon_exchanged);
        is_expired = 0;                 /* the next one's, which may be over as soon */
        in_time = 0;
#endif
        skip
    :: else
    fi;
#endif
    require_rows()
}

/* return_places.lua: the next return that this Redis does not know of. The serial of a coupon that
 * was given back is held by a blank, and its user may apply again. */
inline free_user(index) {
    if
    :: (given_back >> (index)) & 1 ->
        redis.blanks = redis.blanks | (1 << SERIAL_OF(index));
        redis.returned = redis.returned & ~(1 << SERIAL_OF(index));
        if
        :: redis.applied[USER_OF(index)] == SERIAL_OF(index) ->
            redis.applied[USER_OF(index)] = 0;
            redis.pending[USER_OF(index)] = 0
        :: else
        fi
    :: else
    fi;
    lags = 1
}
#define NEXT_RETURN  (of_place[redis.places] - 1)
#define IS_HELD(index) \
    (((given_back >> (index)) & 1) && !BLANK(redis, SERIAL_OF(index)))

#ifdef RETURNS_IN_REDIS_FIRST           /* a mutant */
#define BEFORE_MYSQL  d_step { OPEN -> redis.places++; lags = 1; SAY("Redis: gives the place\n") }
#else
#define BEFORE_MYSQL  skip
#endif

#if GIVES > 0
proctype GiveBack(byte me) {
    byte gives = 1, row;
end:
    do
    :: d_step { gives > 0 && OF_USER(OWNED & ~ended, me) != 0 ->
            gives--;
            read_row(me);
            SAY("user %d gives serial %d back\n", me, SERIAL_OF(row - 1));
            clean()
        };
        BEFORE_MYSQL;
        if
        :: d_step { NONE_WRITES ->
                if
                :: STILL_SO(row - 1) && MAY_GIVE_BACK(row - 1) ->
                    given_back = given_back | (1 << (row - 1));
                    told[me] = 0;
                    shown[me] = 0;
                    return_place()
                :: else -> SAY("MySQL: it has changed meanwhile\n")
                fi;
                row = 0;
                clean()
            }
        :: d_step { KILL; row = 0 }
        fi
    od
}
#endif

#if REVOKES > 0
proctype Revoke() {
    byte revokes = REVOKES, row;
end:
    do
    :: d_step { revokes > 0 && OF_USER(OWNED & ~ended, 0) != 0 ->
            revokes--;
            read_row(0);
            SAY("an administrator revokes serial %d of user 0\n", SERIAL_OF(row - 1));
            clean()
        };
        if
        :: d_step { NONE_WRITES ->
                if
                :: STILL_SO(row - 1) && MAY_REVOKE(row - 1) -> return_place()
                :: else -> SAY("MySQL: it has changed meanwhile\n")
                fi;
                row = 0;
                clean()
            }
        :: d_step { KILL; row = 0 }
        fi
    od
}
#endif

/* The call that ended the coupon, or the scheduler where that call was killed. A script names the
 * number before its return, so it has no effect but as the next one. */
proctype Completes() {
end:
    do
    :: d_step { OPEN && redis.places < places ->
            free_user(NEXT_RETURN);
            redis.places++;
            SAY("Redis: knows of %d places\n", redis.places)
        }
    /* While a process may remember that all is gone, the place itself has to wait. */
    :: d_step { OPEN && redis.places < places && IS_HELD(NEXT_RETURN) ->
            free_user(NEXT_RETURN);
            SAY("Redis: knows that serial %d was given back\n", SERIAL_OF(NEXT_RETURN))
        }
    od
}
#endif
