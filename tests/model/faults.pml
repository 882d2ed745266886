/* Faults of Redis. Processes are killed at any step, in their own files; the wire is in relay.pml. */
#ifdef WITH_REDIS_FAULTS

#ifdef NAMES_THE_PROCESS                /* a mutant: A, then B, then A again */
#define NEW_HISTORY  history = 3 - history
#else
#define NEW_HISTORY  history++
#endif

inline begin_history() {
    failovers--;
#ifdef FORMER_PRIMARY
    copy(former, redis);
    former.epoch = (redis.epoch == history -> 1 : 0);
#endif
    NEW_HISTORY;
    copy(redis, copied);
    lags = 0;
    SAY("Redis: RESTARTS, or its replica takes its place: history %d\n", history)
}

proctype RedisFaults() {
end:
    do
    :: d_step { lags && failovers > 0 ->
            copy(copied, redis);
            lags = 0;
            SAY("Redis: its replica and its disk have all of it\n");
            clean()
        }
    :: d_step { failovers > 0 -> begin_history(); clean() }
#ifdef RELEASES
    :: d_step { failovers > 0 && is_time ->
            begin_history();
            is_time = 0;
            SAY("Redis: its clock is behind\n");
            clean()
        }
#endif
    :: d_step { flushes > 0 ->
            flushes--;
            for (i : 0 .. USERS - 1) {
                redis.applied[i] = 0;
                redis.pending[i] = 0
            }
            redis.count = 0;
            redis.returned = 0;
            redis.epoch = 0;
            redis.builder = 0;
#if ENDS > 0
            redis.places = 0;
            redis.blanks = 0;
#endif
#ifdef LOWERS
            redis.quantity = 0;
#endif
#ifdef PAUSES
            redis.paused = 0;
#endif
#ifdef CHANGES
            redis.version = 0;
            redis.noted = 0;
#endif
#ifdef RELEASES
            redis.releases = 0;
#endif
#ifdef ERASES
            redis.pseudonym = 0;
            redis.erased = 0;
#endif
            redis.fence = 0;
            lags = 1;
            SAY("Redis: EMPTIED\n");
            clean()
        }
    od
}
#endif

#ifdef POSTS_AGAIN
/* POST /campaigns with the body of an existing campaign: two commands, as the code once had them. */
proctype Administrator() {
    OPEN -> SAY("POST /campaigns again: coupon:epoch is known\n");
    d_step {                                            /* open.lua */
        if
        :: redis.epoch == 0 && redis.count == 0 ->
            redis.epoch = history;
            redis.fence = fence;
            SAY("POST /campaigns again: OPENED\n")
        :: else
        fi
    }
}
#endif
