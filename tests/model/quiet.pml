/* The final state, when no step is possible any more. (`timeout` is true only then.) */
#ifndef LIVE
#ifdef COLLISION
#define IS_NEW(user)  (user == 2)       /* not there at the collision */
#else
#define IS_NEW(user)  false
#endif

proctype Quiet() {
    timeout -> d_step {
        SAY("quiet\n");
        closed_for_good = !OPEN;
        assert(!closed_for_good);
#if ENDS > 0
        users = 0;
        for (k : 0 .. PAIRS - 1) { users = users + ((ended >> k) & 1) }
        place_not_given_once = (places != users || redis.places != users);
        assert(!place_not_given_once);
#endif
        for (i : 0 .. USERS - 1) {
            serials = OF_USER(OWNED, i);
            P3_accepted_without_coupon = (told[i] && serials == 0);
#ifdef DEGRADED
            /* A collision costs a user the coupon only when all serials are used. */
            users = 0;
            for (k : 0 .. PAIRS - 1) { users = users + ((coupon >> k) & 1) }
            P3_accepted_without_coupon = (told[i] && serials == 0 && (users < QUANTITY || IS_NEW(i)));
#endif
            assert(!P3_accepted_without_coupon);
            pending_for_good = redis.pending[i];
            assert(!pending_for_good);
            coupon_unknown_to_redis = (serials != 0);
            if
#ifdef ERASES
            :: IS_RENAMED(i) ->
                k = redis.pseudonym;
                coupon_unknown_to_redis = (k == 0 || redis.applied[0] != 0);
                coupon_unknown_to_redis = coupon_unknown_to_redis || !HAS(OWNED, 0, (k == 0 -> 1 : k))
#endif
            :: !IS_RENAMED(i) && serials != 0 && redis.applied[i] != 0 ->
                coupon_unknown_to_redis = !HAS(OWNED, i, redis.applied[i])
            :: else
            fi;
#if ENDS > 0                            /* given back: a blank holds it, and the user may apply again */
            for (k : 1 .. SERIALS) {
                coupon_unknown_to_redis = coupon_unknown_to_redis ||
                    (HAS(given_back, i, k) && (!BLANK(redis, k) || redis.applied[i] == k))
            }
#endif
#ifndef WITHOUT_EPOCH                   /* without it no rebuild runs, only reconcile sees this */
            assert(!coupon_unknown_to_redis);
#endif
            skip
        }
#ifndef DEGRADED
        for (i : 1 .. SERIALS) {
            users = 0;
            for (k : 0 .. USERS - 1) { users = users + HAS(coupon, k, i) }
            serial_lost_for_good =
                (i <= redis.count && users == 0 && !((redis.returned >> i) & 1));
            assert(!serial_lost_for_good)
        }
#endif
#ifdef CHANGES
        change_left_half_done = (redis.noted != 0 || redis.version != version);
#ifdef LOWERS
        change_left_half_done = change_left_half_done || redis.quantity != quantity;
#endif
#ifdef PAUSES
        change_left_half_done = change_left_half_done || redis.paused != paused;
#endif
        assert(!change_left_half_done);
#endif
#ifdef ERASES
        erasure_left_half_done = (redis.erased != erased_users);
        assert(!erasure_left_half_done);
        erased_id_returns = (told_erased && (HAS_ID || redis.pending[0]));
        assert(!erased_id_returns);
#endif
#ifdef RELEASES
        release_forgotten = (LIMIT_NOW(redis) != LAST_SERIAL);
        assert(!release_forgotten);
#endif
        skip
    }
}
#endif
