/* What Redis, Kafka and MySQL hold, what users received, and what must never happen.
 *
 * Set with -D (check.py has the configurations):
 *   USERS QUANTITY           two or three users, coupons
 *   ATTEMPTS ATTEMPTS_OTHERS how often the last user, and each other user, may apply
 *   RESTARTS FLUSHES         how often Redis may restart (losing what is not fsynced) or be emptied
 *   REFUSALS                 how many records MySQL may refuse for a while: they go to failed_event
 *   REBUILDS                 how many rebuilds run at once
 *   LATE                     a record whose sender gave up or died may reach Kafka later, or never
 *   ZOMBIE                   a second consumer that does not know that it lost its partitions
 *   LIVE KILLS               liveness: this many kills and outages, then none. Otherwise unlimited
 *   DEGRADED                 a guard is off on purpose: collisions are allowed, and redriven
 * Each other name removes one guard; the mutants of check.py use them.
 */
#ifndef USERS
#define USERS 2
#endif
#ifndef QUANTITY
#define QUANTITY 1
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif
#ifndef ATTEMPTS_OTHERS
#define ATTEMPTS_OTHERS ATTEMPTS
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#ifndef FLUSHES
#define FLUSHES 0
#endif
#ifndef REFUSALS
#define REFUSALS 0
#endif
#ifndef REBUILDS
#define REBUILDS 1
#endif
#if RESTARTS > 0 || FLUSHES > 0
#define WITH_REDIS_FAULTS
#endif
#if REFUSALS > 0 || defined(DEGRADED)
#define WITH_FAILED_EVENTS
#endif

#define SAY  printf

/* Spin's breadth-first search, which finds the shortest counterexample, cannot hide variables. */
#ifdef SHORTEST
#define SCRATCH
#else
#define SCRATCH  hidden
#endif

/* A set of pairs (user, serial) is a bit mask. Users count from 0, serials from 1; 0 is none. */
#ifdef WITHOUT_REDIS_QUOTA
#define SERIALS  (QUANTITY + 1)         /* one above the quantity shows an excess */
#else
#define SERIALS  QUANTITY
#endif
#define PAIRS                   (USERS * SERIALS)
#define PAIR(user, serial)      (1 << ((user) * SERIALS + (serial) - 1))
#define USER_OF(index)          ((index) / SERIALS)
#define SERIAL_OF(index)        ((index) % SERIALS + 1)
#define OF_USER(set, user)      (((set) >> ((user) * SERIALS)) & ((1 << SERIALS) - 1))
#define HAS(set, user, serial)  (((set) & PAIR(user, serial)) != 0)

/* ---- Redis: what it has now, and what its append-only file would restore --------------------- */
typedef Holding {
    byte applied[USERS];                /* applied_user: the serial; 0: the user is not here */
    bit pending[USERS];
    byte count;                         /* coupon_count */
    byte returned;                      /* bit n: serial n is in the list */
    byte epoch;                         /* of the campaign hash; 0: the hash is not there */
    byte token                          /* the rebuild that began last */
}
Holding redis, disk;
bit unsaved;                            /* redis has more than its disk */
byte run_id = 1;                        /* of the server; each restart has a new one */

#ifdef WITHOUT_EPOCH
#define OPEN  true
#else
#define OPEN  (redis.epoch == run_id)   /* what every script checks first */
#endif

/* ---- Kafka: the records from the group's committed offset to the end ------------------------- */
short topic;
short batch;                            /* of them: polled by the consumer, not yet committed */
short fresh;                            /* of them: sent since that poll */
short wire;                             /* sent, the sender waits no longer; not in the topic */

/* ---- MySQL ------------------------------------------------------------------------------------ */
short coupon;                           /* rows. Nothing ever deletes one */
short failed;                           /* failed_event, status PENDING */
bit locked[USERS];                      /* a transaction of the redrive holds this user's row */

/* ---- What users received ----------------------------------------------------------------------- */
bit told[USERS];                        /* ACCEPTED; ALREADY_APPLIED promises the same */
byte shown[USERS];                      /* with this serial */
bit on_disk_only[USERS];                /* … only Redis's disk has it, Kafka is unreachable */

/* ---- In flight between Redis's script and the response: a rebuild has to wait for it ----------- */
byte busy;                              /* bit u: apply of user u; bit USERS: the relay */
#define RELAYING  (1 << USERS)

byte restarts = RESTARTS, flushes = FLUSHES, refusals = REFUSALS;
#ifdef LIVE
byte kills = KILLS;
#define KILL  kills > 0 -> kills--
#else
#define KILL  true
#endif

/* ---- What must never happen: the violated assertion names it ------------------------------------ */
SCRATCH byte P1_one_too_many;
SCRATCH byte P2_two_for_one_user;
SCRATCH byte P3_accepted_without_coupon;
SCRATCH byte P3_accepted_told_otherwise;
SCRATCH byte durable_admissions_collide; /* two users with one serial, or one with two */
SCRATCH byte closed_for_good;
SCRATCH byte pending_for_good;
SCRATCH byte coupon_unknown_to_redis;
SCRATCH byte serial_lost_for_good;

/* Scratch of single steps: not part of the state. */
SCRATCH byte i, k, users, serials, is_refused;

inline copy(target, source) {
    for (k : 0 .. USERS - 1) {
        target.applied[k] = source.applied[k];
        target.pending[k] = source.pending[k]
    }
    target.count = source.count;
    target.returned = source.returned;
    target.epoch = source.epoch;
    target.token = source.token
}

inline fsync() {
    copy(disk, redis);
    unsaved = 0
}

inline append(user, serial) {
    topic = topic | PAIR(user, serial);
    if
    :: batch != 0 -> fresh = fresh | PAIR(user, serial)
    :: else
    fi
}

/* One serial from `returned`, else the lowest above the count that no user holds; 0: none left. */
inline take_serial(serial) {
    serial = 0;
    k = 1;
    do
    :: k <= QUANTITY && !((redis.returned >> k) & 1) -> k++
    :: else -> break
    od;
    if
    :: k <= QUANTITY ->
        redis.returned = redis.returned & ~(1 << k);
        serial = k
    :: else ->
        for (k : 1 .. SERIALS) {
            users = 0;
            for (i : 0 .. USERS - 1) { users = users + (redis.applied[i] == k) }
            if
            :: serial == 0 && k > redis.count && users == 0 -> serial = k
            :: else
            fi
        }
        if
        :: serial != 0 -> redis.count = serial
        :: else
        fi
    fi
}
