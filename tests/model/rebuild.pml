/* rebuild_handler: from MySQL, Kafka and what Redis still holds, to a Redis that may open. */
#ifdef WITH_REDIS_FAULTS

#define HAS_SEEN(bit)  (((seen >> (bit)) & 1) != 0)

/* load.lua. The durable wins: a user in `found` has that serial; another user whom only Redis has
 * under it was not accepted, and is dropped. Of one source, the first of each user and serial. */
#if ENDS > 0 && !defined(RESTORES_GIVEN_BACK)
#define IS_GIVEN_BACK(serial)  ((was_given_back >> (serial)) & 1)
#else
#define IS_GIVEN_BACK(serial)  false
#endif
#if ENDS > 0 || defined(LOWERS)         /* as its row was read */
#ifdef LOWERS
#define ITS_QUANTITY  its_quantity
#else
#define ITS_QUANTITY  QUANTITY
#endif
#if ENDS > 0
#define FITS(serial)  ((serial) <= ITS_QUANTITY + its_places)
#else
#define FITS(serial)  ((serial) <= ITS_QUANTITY)
#endif
#else
#define FITS(serial)  true
#endif
#define LEFT_OUT(serial)  (IS_GIVEN_BACK(serial) || !FITS(serial))
#ifdef ERASES                           /* as the row was read; MySQL has that one under the pseudonym */
#define IS_LEFT_OUT(index) \
    (LEFT_OUT(SERIAL_OF(PAIR_OF(index))) || (its_erased && IS_RENAMED(USER_OF(PAIR_OF(index)))))
#else
#define IS_LEFT_OUT(index)  LEFT_OUT(SERIAL_OF(PAIR_OF(index)))
#endif
inline put_back(found, is_pending) {
    seen = 0;
    for (i : 0 .. RECORDS - 1) {
        if
        :: ((found >> i) & 1) && !IS_LEFT_OUT(i) && !HAS_SEEN(USER_OF(PAIR_OF(i))) && !HAS_SEEN(USERS + SERIAL_OF(PAIR_OF(i))) ->
            seen = seen | (1 << USER_OF(PAIR_OF(i))) | (1 << (USERS + SERIAL_OF(PAIR_OF(i))));
            SAY("rebuild: puts back user %d, serial %d\n", USER_OF(PAIR_OF(i)), SERIAL_OF(PAIR_OF(i)));
#ifndef KEEPS_DISPLACED
            for (k : 0 .. USERS - 1) {
                if
                :: redis.applied[k] == SERIAL_OF(PAIR_OF(i)) ->
                    redis.applied[k] = 0;
                    redis.pending[k] = 0
                :: else
                fi
            }
#endif
#if ENDS > 0
            redis.blanks = redis.blanks & ~(1 << SERIAL_OF(PAIR_OF(i)));
#endif
#ifdef ERASES
            if
            :: IS_PSEUDONYMS(redis, SERIAL_OF(PAIR_OF(i))) -> redis.pseudonym = 0
            :: else
            fi;
#endif
            redis.applied[USER_OF(PAIR_OF(i))] = SERIAL_OF(PAIR_OF(i));
            redis.returned = redis.returned & ~(1 << SERIAL_OF(PAIR_OF(i)));
            redis.pending[USER_OF(PAIR_OF(i))] = is_pending
        :: else
        fi
    }
    skip
}

#ifdef ERASES
/* The pseudonym's row, as it was read. */
inline put_back_pseudonym(rows) {
    for (i : 1 .. SERIALS) {
        if
        :: HAS(rows, 0, i) ->
            for (k : 0 .. USERS - 1) {
                if
                :: redis.applied[k] == i -> redis.applied[k] = 0; redis.pending[k] = 0
                :: else
                fi
            }
            redis.pseudonym = i;
            redis.returned = redis.returned & ~(1 << i);
            SAY("rebuild: puts back the pseudonym, serial %d\n", i)
        :: else
        fi
    }
}
#endif

#if ENDS > 0
/* The serials of coupons that their users gave back, which no user holds. */
inline put_back_blanks(given) {
    for (i : 0 .. PAIRS - 1) {
        if
        :: ((given) >> i) & 1 ->
            for (k : 0 .. USERS - 1) {
                if
                :: redis.applied[k] == SERIAL_OF(i) -> redis.applied[k] = 0; redis.pending[k] = 0
                :: else
                fi
            }
            redis.blanks = redis.blanks | (1 << SERIAL_OF(i));
            redis.returned = redis.returned & ~(1 << SERIAL_OF(i))
        :: else
        fi
    }
}
#endif

/* In order of precedence, the highest last. */
inline unite() {
    put_back(in_failed, 0);
#ifdef RESTORES_WEAKLY                  /* a mutant: what Redis holds outweighs the topic */
    for (i : 0 .. RECORDS - 1) {
        users = 0;
        for (k : 0 .. USERS - 1) { users = users + (redis.applied[k] == SERIAL_OF(PAIR_OF(i))) }
        if
        :: ((in_topic[me] >> i) & 1) && (users != 0 || redis.applied[USER_OF(PAIR_OF(i))] != 0) ->
            in_topic[me] = in_topic[me] & ~(1 << i)
        :: else
        fi
    }
#endif
    put_back(in_topic[me], 1);
#if ENDS > 0                            /* the rows come later, and a settle in between */
#elif defined(ERASES)
    put_back(in_coupon & ~in_renamed, 0);
    put_back_pseudonym(in_coupon & in_renamed);
#else
    put_back(in_coupon, 0);
#endif
    skip
}

/* Serials up to the count without an owner are assigned again. */
#ifdef RETURNS_THE_UNGIVEN              /* a mutant */
#define LAST_GAP  LIMIT(redis)
#else
#define LAST_GAP  redis.count
#endif
inline return_gaps() {
    redis.returned = 0;
    for (i : 1 .. SERIALS) {
        users = BLANK(redis, i) + IS_PSEUDONYMS(redis, i);
        for (k : 0 .. USERS - 1) { users = users + (redis.applied[k] == i) }
#ifndef DEGRADED
        durable_admissions_collide = (users > 1);
        assert(!durable_admissions_collide);
#endif
        if
        :: users == 0 && i <= LAST_GAP -> redis.returned = redis.returned | (1 << i)
        :: else
        fi
    }
}

inline discard() {
    for (i : 0 .. USERS - 1) {
        redis.applied[i] = 0;
        redis.pending[i] = 0
    }
    redis.count = 0;
    redis.returned = 0
}

/* A campaign is closed, or a rebuild was killed before it began in Redis. */
#define NEEDED  (!OPEN || redis.fence < fence)
#if OVERLAPS > 0                        /* the advisory lock is lost with its connection */
#define MAY_RUN  (rebuilding == 0 || overlaps > 0)
#define RUN      overlaps = overlaps - (rebuilding > 0); rebuilding++
#else
#define MAY_RUN  true
#define RUN      skip
#endif
#ifdef WITHOUT_ORDER
#define MAY_BEGIN  true
#else
#define MAY_BEGIN  (redis.builder < mine && redis.fence < mine)
#endif
#ifdef WITHOUT_TOKEN
#define HAS_IT  true
#else
#define HAS_IT  (redis.epoch == history && redis.builder == mine)
#endif
#ifdef STORES_IN_ANY_ORDER
#define MAY_STORE  true
#elif defined(FENCE_LAST)
#define MAY_STORE  true
#else
#define MAY_STORE  (fence == mine)
#endif

#ifdef FENCE_LAST                       /* a mutant: MySQL's fence is raised after MySQL is read */
#define FENCE_FIRST  mine = fence + 1
#define RAISE_LAST   d_step { NONE_WRITES -> fence = mine }
#else
#define FENCE_FIRST  fence++; mine = fence
#define RAISE_LAST   skip
#endif

#define READ_OFFSETS  \
    d_step { in_topic[me] = topic; reading[me] = 1; SAY("rebuild: reads the group's offsets\n") }
#define READ_TOPIC  \
    d_step { \
        ALSO_LATE_IN_TOPIC; \
        reading[me] = 0; \
        reads_on[me] = 1; \
        SAY("rebuild: reads the topic\n") \
    }
#ifdef WITH_FAILED_EVENTS
#define READ_FAILED  d_step { NONE_WRITES -> read_failed() }
#else
#define READ_FAILED  skip
#endif
#if ENDS > 0
#define READ_COUPON  \
    d_step { in_coupon = OWNED; in_blank = given_back; SAY("rebuild: reads coupon\n") }
/* Since Redis is closed, no user who gives a coupon back from here on is admitted again. */
#define READ_GIVEN_BACK  \
    d_step { \
        was_given_back = 0; \
        for (i : 0 .. PAIRS - 1) { \
            was_given_back = was_given_back | (((given_back >> i) & 1) << SERIAL_OF(i)) \
        } \
        PUT_BACK_BLANKS_FIRST; \
        SAY("rebuild: reads what was given back\n"); \
        clean() \
    }
#define PUT_BACK_ROWS  \
    d_step { \
        if \
        :: HAS_IT -> put_back_blanks(in_blank); put_back(in_coupon, 0); lags = 1 \
        :: else \
        fi; \
        clean() \
    }
#ifdef BLANKS_LAST
#define PUT_BACK_BLANKS_FIRST  skip
#else
#define PUT_BACK_BLANKS_FIRST  \
    if \
    :: HAS_IT -> put_back_blanks(given_back); lags = 1 \
    :: else \
    fi
#endif
#elif defined(ERASES)
#define READ_COUPON  \
    d_step { in_coupon = coupon; in_renamed = renamed; SAY("rebuild: reads coupon\n") }
#define READ_GIVEN_BACK  skip
#define PUT_BACK_ROWS    skip
#else
#define READ_COUPON  d_step { in_coupon = coupon; SAY("rebuild: reads coupon\n") }
#define READ_GIVEN_BACK  skip
#define PUT_BACK_ROWS    skip
#endif
/* From the fence on no change of the row is made. Its places still change, so they are read again
 * once Redis is closed. */
#if defined(ERASES) && ENDS > 0
#error "a coupon that is given back, and its user erased: not in the model"
#endif
#if defined(CHANGES) || defined(ERASES)
#define READ_ROW  d_step { read_row_of_campaign(); SAY("rebuild: reads the campaign\n") }
#else
#define READ_ROW  skip
#endif
#if ENDS > 0
#define READ_PLACES  d_step { its_places = places; SAY("rebuild: reads the returned places\n") }
#else
#define READ_PLACES  skip
#endif
#ifdef PLACES_BEFORE_CLOSING
#define READ_PLACES_FIRST  READ_PLACES
#define READ_PLACES_THEN   skip
#else
#define READ_PLACES_FIRST  skip
#define READ_PLACES_THEN   READ_PLACES
#endif

inline read_row_of_campaign() {
#ifdef LOWERS
    its_quantity = quantity;
#endif
#ifdef PAUSES
    its_paused = paused;
#endif
#ifdef CHANGES
    its_version = version;
#endif
#if defined(ERASES) && !defined(REBUILD_FORGETS_THE_ERASED)
    its_erased = erased_users;
#endif
    skip
}
#ifdef REBUILDS_THE_LATE                /* a mutant: of the first fence, as good as any */
#define ALSO_LATE_IN_TOPIC   in_topic[me] = in_topic[me] | late
#else
#define ALSO_LATE_IN_TOPIC   skip
#endif

/* A locking read: waits for a redrive that holds a serial. DEAD rows are tried again, since their
 * serial may be free now: its admission may have been one that no user was told of. */
inline read_failed() {
#ifdef WITH_FAILED_EVENTS
    in_failed = failed;
#ifndef LEAVES_THE_DEAD
    dead = 0;
#endif
#endif
    SAY("rebuild: reads failed_event\n")
}

/* store_offsets: what is behind the end of this rebuild, with an earlier fence, is late from now. */
inline store_end() {
    SAY("rebuild %d: stores its end under fence %d\n", me, mine);
    behind[me] = behind[me] & BEFORE(mine);
    for (i : 0 .. RECORDS - 1) {
        if
        :: (behind[me] >> i) & 1 ->
            late = late | ((topic >> i) & 1) << PAIR_OF(i);
            late_batch = late_batch | ((batch >> i) & 1) << PAIR_OF(i);
            late_fresh = late_fresh | ((fresh >> i) & 1) << PAIR_OF(i);
#ifdef ZOMBIE
            late_held = late_held | ((held >> i) & 1) << PAIR_OF(i);
#endif
#ifdef WITH_FAILED_EVENTS
            late_failed = late_failed | ((failed >> i) & 1) << PAIR_OF(i);
#endif
            skip
        :: else
        fi
    }
    topic = topic & ~behind[me];
    batch = batch & ~behind[me];
    fresh = fresh & ~behind[me];
#ifdef ZOMBIE
    held = held & ~behind[me];
#endif
#ifdef WITH_FAILED_EVENTS
    failed = failed & ~behind[me];
#endif
    for (i : 0 .. RECORDS - 1) {        /* on the wire, their fence is of no account any more */
        if
        :: ((wire >> i) & 1) && FENCE_OF(i) < mine -> late_wire = late_wire | (1 << PAIR_OF(i))
        :: else
        fi
    }
    wire = wire & ~BEFORE(mine);
    stored = (mine > stored -> mine : stored);
    reads_on[me] = 0;
    behind[me] = 0
}

inline end_rebuild() {
    mine = 0;
    in_topic[me] = 0;
    in_coupon = 0;
#if ENDS > 0
    in_blank = 0;
    was_given_back = 0;
    its_places = 0;
#endif
#ifdef LOWERS
    its_quantity = 0;
#endif
#ifdef PAUSES
    its_paused = 0;
#endif
#ifdef CHANGES
    its_version = 0;
#endif
#ifdef ERASES
    its_erased = 0;
    in_renamed = 0;
#endif
    in_failed = 0;
    reading[me] = 0;
    reads_on[me] = 0;
    behind[me] = 0;
#if OVERLAPS > 0
    rebuilding--;
#endif
    clean()
}

#define KILLED  atomic { KILL_REBUILD; SAY("rebuild %d: killed\n", me); end_rebuild() }

proctype Rebuild(byte me) {
    byte mine;
    int in_failed;
    short in_coupon;
#if ENDS > 0
    short in_blank;
    byte was_given_back;                /* serials */
    byte its_places;
#endif
#ifdef LOWERS
    byte its_quantity;
#endif
#ifdef PAUSES
    bit its_paused;
#endif
#ifdef CHANGES
    byte its_version;
#endif
#ifdef ERASES
    bit its_erased;
    short in_renamed;
#endif
end:
    do
    :: d_step { NEEDED && MAY_RUN && NONE_WRITES ->     /* MySQL's fence first */
            RUN;
            FENCE_FIRST;
            assert(mine <= FENCES);
            SAY("rebuild %d: raises the fence to %d\n", me, mine)
        };
        READ_ROW;
        READ_PLACES_FIRST;
        if
        :: d_step { MAY_BEGIN ->                        /* begin.lua */
                redis.epoch = history;
                redis.builder = mine;
#ifdef ERASES
                redis.erased = its_erased;
#endif
                lags = 1;
                SAY("rebuild %d: closes the campaign\n", me)
            }
        :: d_step { !MAY_BEGIN -> SAY("rebuild %d: another one has it\n", me); end_rebuild() }; goto end
        :: KILLED; goto end
        fi;
        READ_GIVEN_BACK;
        READ_PLACES_THEN;
#ifdef MYSQL_BEFORE_OFFSETS
        READ_FAILED; READ_COUPON; READ_OFFSETS; READ_TOPIC;
        d_step { NONE_WRITES && MAY_STORE -> store_end(); clean() };
#else
#ifdef FAILED_BEFORE_OFFSETS
        READ_FAILED; READ_OFFSETS;
#elif defined(COUPON_BEFORE_FAILED)
        READ_OFFSETS;
#else
        READ_OFFSETS; READ_FAILED;
#endif
        READ_TOPIC;
        if
        :: d_step { NONE_WRITES && MAY_STORE -> store_end(); clean() }
        :: d_step { !MAY_STORE -> SAY("rebuild %d: overtaken\n", me); end_rebuild() }; goto end
        :: KILLED; goto end
        fi;
#ifdef COUPON_BEFORE_FAILED
        READ_COUPON; READ_FAILED;
#else
        READ_COUPON;
#endif
#endif
        RAISE_LAST;
#ifdef FORGETS_FAILED
        in_failed = 0;
#endif
        if
        :: d_step {                                     /* scripts that only add */
                if
                :: HAS_IT ->
#ifdef DISCARDS_REDIS
                    discard();
#endif
#ifdef OPENS_FIRST
                    redis.builder = 0;
                    redis.fence = mine;
#else
                    unite();
#endif
                    lags = 1
                :: else                                 /* emptied, another history, or overtaken */
                fi;
                clean()
            }
        :: KILLED; goto end
        fi;
        PUT_BACK_ROWS;
        if
        :: d_step {                                     /* the last scripts: gaps and epoch */
#ifdef OPENS_FIRST
                unite();
#endif
                if
                :: HAS_IT ->
                    return_gaps();
                    redis.epoch = history;
                    redis.builder = 0;
#if ENDS > 0
                    redis.places = its_places;
#endif
#ifdef LOWERS
                    redis.quantity = its_quantity;
#endif
#if defined(PAUSES) && !defined(REBUILD_FORGETS_PAUSE)
                    redis.paused = its_paused;
#endif
#ifdef ERASES
                    redis.erased = its_erased;
#endif
#ifdef CHANGES
                    redis.version = its_version;
                    redis.noted = 0;
#endif
#if defined(RELEASES) && !defined(RELEASES_IN_MEMORY) && !defined(REBUILD_FORGETS_RELEASES)
                    redis.releases = 1;
#endif
                    redis.fence = mine;
                    lags = 1;
                    SAY("rebuild %d: opens with fence %d\n", me, mine)
                :: else -> SAY("rebuild %d: Redis was lost again, or another one has it\n", me)
                fi;
                end_rebuild()
            }
        :: KILLED
        fi
    od
}
#endif
