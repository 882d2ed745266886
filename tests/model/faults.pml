/* Faults of Redis and the network. Processes are killed at any step, in their own files. */
#ifdef WITH_REDIS_FAULTS

/* Redis lost as a whole: a user accepted on its disk's word alone, while Kafka is unreachable,
 * cannot be restored. So Redis is not lost at such a moment; README.md says so. */
#define KEPT_ELSEWHERE(user)  (!on_disk_only[user] || OF_USER(topic | coupon | failed, user) != 0)
#if USERS == 2
#define ALL_KEPT_ELSEWHERE  (KEPT_ELSEWHERE(0) && KEPT_ELSEWHERE(1))
#else
#define ALL_KEPT_ELSEWHERE  (KEPT_ELSEWHERE(0) && KEPT_ELSEWHERE(1) && KEPT_ELSEWHERE(2))
#endif

proctype RedisFaults() {
end:
    do
    :: d_step { unsaved && restarts > 0 ->
            fsync();
            SAY("Redis: fsync\n")
        }
    :: d_step { restarts > 0 ->
            restarts--;
            run_id++;
            copy(redis, disk);
            unsaved = 0;
#ifdef WITHOUT_EPOCH
            redis.epoch = run_id;
#endif
            SAY("Redis: RESTARTS as run %d, with what its disk has\n", run_id)
        }
    :: d_step { flushes > 0 && ALL_KEPT_ELSEWHERE ->
            flushes--;
            for (i : 0 .. USERS - 1) {
                redis.applied[i] = 0;
                redis.pending[i] = 0
            }
            redis.count = 0;
            redis.returned = 0;
            redis.epoch = 0;
            redis.token = 0;
            unsaved = 1;
            SAY("Redis: EMPTIED\n")
        }
    od
}
#endif

#ifdef LATE
/* Records in flight whose sender no longer waits: they arrive, or do not. */
proctype Wire() {
end:
    do
    :: d_step { wire != 0 ->
            i = 0;
            do
            :: (wire >> i) & 1 -> break
            :: else -> i++
            od;
            wire = wire & ~(1 << i);
            append(USER_OF(i), SERIAL_OF(i));
            SAY("wire: the record of user %d, serial %d arrives late\n", USER_OF(i), SERIAL_OF(i))
        }
    :: d_step { wire != 0 -> wire = wire & (wire - 1); SAY("wire: a record is lost\n") }
    od
}
#endif

#ifdef POSTS_AGAIN
/* POST /campaigns with the body of an existing campaign: two commands, as the code has them. */
proctype Administrator() {
    OPEN -> SAY("POST /campaigns again: coupon:epoch is known\n");
    d_step {                                            /* open.lua */
        if
        :: redis.epoch == 0 && redis.count == 0 ->
            redis.epoch = run_id;
            SAY("POST /campaigns again: OPENED\n")
        :: else
        fi
    }
}
#endif
