/* User 0 is erased: the coupon stays, and belongs to a pseudonym. What is on its way to MySQL is
 * written first; then MySQL's row gets the pseudonym, under the fence; then Redis does. Killed in
 * between, the scheduler completes it. The pseudonym is a name of the same user. */
#ifdef ERASES

#define NAMED       (coupon & ~renamed)     /* rows with the id */
#define HAS_ID      (OF_USER(NAMED, 0) != 0 || redis.applied[0] != 0)
#define HALF_ERASED (redis.erased < erased_users)

/* find.lua */
inline find() {
    held = redis.applied[0];
    is_pending = (redis.pending[0] && held != 0);
    under = redis.fence;
    SAY("erasure: Redis has serial %d of user 0, pending: %d\n", held, is_pending)
}

/* One transaction: the user's rows get the pseudonym, and the campaign counts one more. */
inline rename_rows() {
    erased_users = (OF_USER(NAMED, 0) != 0 || (held != 0 && OF_USER(coupon, 0) == 0) -> 1 : erased_users);
    renamed = renamed | (coupon & OF_USER(-1, 0));
    read_pseudonym();
    SAY("MySQL: the rows of user 0 belong to a pseudonym\n")
}

/* The serial of the pseudonym's coupon that was not given back; 0: none. */
inline read_pseudonym() {
    serial = 0;
    for (k : 1 .. SERIALS) {
        serial = (HAS(OWNED & renamed, 0, k) -> k : serial)
    }
}

/* erase.lua; unless the user holds another serial than was seen, and applied meanwhile. */
#define APPLIED_MEANWHILE  (redis.applied[0] != 0 && redis.applied[0] != held)
inline erase() {
    serial = (serial != 0 -> serial : held);
    if
    :: serial != 0 && !BLANK(redis, serial) ->
        redis.pseudonym = serial;
        redis.returned = redis.returned & ~(1 << serial)
    :: else
    fi;
    redis.applied[0] = 0;
    redis.pending[0] = 0;
    redis.erased = erased_users;
    lags = 1;
    SAY("Redis: user 0 is erased, the pseudonym has serial %d\n", redis.pseudonym)
}

inline end_erasure() {
    held = 0;
    serial = 0;
    under = 0;
    is_pending = 0;
    clean()
}

#ifdef ERASES_WITHOUT_WRITING           /* a mutant: what is on its way is not written */
#define MUST_WRITE  false
#else
#define MUST_WRITE  is_pending
#endif

proctype Erase() {
    byte erasures = 1, held, serial, under;
    bit is_pending;
end:
    if
    :: d_step { erasures > 0 && OPEN && HAS_ID -> erasures--; find(); clean() }
    fi;
again:
    if
    :: d_step { MUST_WRITE && NONE_WRITES && fence == under ->
            SAY("erasure: writes what is pending: ");
            insert(0, held);
            is_pending = !is_refused;
            clean()
        };
        if
        :: d_step { is_pending -> settle(0, held, 1, 0); clean() }
        :: d_step { !is_pending -> end_erasure() }; goto end
        :: d_step { KILL; end_erasure() }; goto end
        fi
    :: d_step { MUST_WRITE && fence != under -> end_erasure() }; goto end
    :: d_step { !MUST_WRITE -> skip }
    fi;
    if
    :: d_step { NONE_WRITES && fence == under -> rename_rows(); clean() }
    :: d_step { fence != under -> SAY("erasure: a rebuild has begun\n"); end_erasure() }; goto end
    :: d_step { KILL; end_erasure() }; goto end
    fi;
    if
    :: d_step { OPEN && !APPLIED_MEANWHILE ->
            erase();
            told_erased = 1;
            SAY("user 0 is told that nothing has the id any more\n");
            end_erasure()
        };
        goto end
    :: d_step { OPEN && APPLIED_MEANWHILE -> serial = 0; find(); clean() }; goto again
    :: d_step { !OPEN -> end_erasure() }; goto end
    :: d_step { KILL; end_erasure() }
    fi;
    goto end
}

/* Looks at those whom Redis holds, and asks MySQL whether they have pseudonyms. */
proctype CompletesErasure() {
    byte held, serial;
end:
    do
    :: d_step { OPEN && HALF_ERASED -> held = redis.applied[0]; read_pseudonym(); clean() };
        if
        :: d_step { OPEN && !APPLIED_MEANWHILE ->
                SAY("scheduler: ");
                erase();
                held = 0;
                serial = 0;
                clean()
            }
        :: d_step { !OPEN || APPLIED_MEANWHILE -> held = 0; serial = 0 }
        fi
    od
}
#endif
