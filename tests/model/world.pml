/* What Redis, Kafka and MySQL hold, what users received, and what must never happen.
 *
 * Set with -D (check.py has the configurations):
 *   USERS QUANTITY           two or three users, coupons
 *   ATTEMPTS ATTEMPTS_OTHERS how often the last user, and each other user, may apply
 *   FAILOVERS                how often Redis restarts or a replica takes its place: in both cases
 *                            with any earlier state since the last copy, and in a new history
 *   FLUSHES                  how often Redis is emptied, in the same history
 *   REFUSALS                 how many records MySQL may refuse for a while: they go to failed_event
 *   OVERLAPS                 how often a second rebuild begins while one runs
 *   REBUILD_KILLS            how often a rebuild is killed (all others may be killed at any time)
 *   ZOMBIE                   a second consumer that does not know that it lost its partitions
 *   FORMER_PRIMARY           after a failover the former primary still replies to some clients
 *   CONFIRMED_BY_REPLICA     a confirmation counts once a replica has taken a write behind it
 *   LIVE KILLS               liveness: this many kills and outages, then none
 *   EMPTIED                  Redis is empty at the start
 *   GIVES                    how often users give their coupons back
 *   REVOKES                  how many coupons an administrator revokes, for another applicant
 *   LOWERS                   an administrator lowers the quantity by one
 *   PAUSES                   an administrator pauses the campaign
 *   RESUMES                  … and lets it go on
 *   ERASES                   user 0 is erased
 *   RELEASES                 so many coupons are released at the opening, the others later
 *   HAS_ROW                  user 0 has coupon 1 at the start
 *   ORDERS                   orders that want the coupon of user 0
 *   EXPIRES                  that coupon's time may be over
 *   MORE_FENCES              rebuilds that a mutant needs in addition
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
#ifndef FAILOVERS
#define FAILOVERS 0
#endif
#ifndef FLUSHES
#define FLUSHES 0
#endif
#ifndef REFUSALS
#define REFUSALS 0
#endif
#ifndef OVERLAPS
#define OVERLAPS 0
#endif
#if defined(EMPTIED) && !defined(MORE_FENCES)
#define MORE_FENCES 1
#endif
#ifndef MORE_FENCES
#define MORE_FENCES 0
#endif
#ifdef LIVE
#define REBUILD_KILLS KILLS
#endif
#ifndef REBUILD_KILLS
#define REBUILD_KILLS 0
#endif
#ifndef GIVES
#define GIVES 0
#endif
#ifndef REVOKES
#define REVOKES 0
#endif
#define ENDS  (GIVES + REVOKES)         /* each returns a place */
#if defined(LOWERS) || defined(PAUSES)
#define CHANGES
#endif
#if FAILOVERS > 0 || FLUSHES > 0
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
#define SERIALS  (QUANTITY + ENDS)      /* each place that is returned is one serial more */
#endif
#define PAIRS                   (USERS * SERIALS)
#define PAIR(user, serial)      (1 << ((user) * SERIALS + (serial) - 1))
#define USER_OF(index)          ((index) / SERIALS)
#define SERIAL_OF(index)        ((index) % SERIALS + 1)
#define OF_USER(set, user)      (((set) >> ((user) * SERIALS)) & ((1 << SERIALS) - 1))
#define HAS(set, user, serial)  (((set) & PAIR(user, serial)) != 0)

/* A set of records (user, serial, fence) has one such mask for each fence, the first from 1 on.
 * Each rebuild raises the fence; no fault or kill does more than cause one more rebuild. */
#ifdef WITH_REDIS_FAULTS
#define FENCES                  (1 + FAILOVERS + FLUSHES + OVERLAPS + REBUILD_KILLS + MORE_FENCES)
#else
#define FENCES                  1
#endif
#define RECORDS                 (PAIRS * FENCES)
#define RECORD(pair, fence)     ((pair) << (((fence) - 1) * PAIRS))
#define PAIR_OF(index)          ((index) % PAIRS)
#define FENCE_OF(index)         ((index) / PAIRS + 1)
#define BEFORE(fence)           ((1 << (((fence) - 1) * PAIRS)) - 1)

#ifdef CHANGES
mtype = { LOWER, PAUSE, RESUME };
#endif

/* ---- Redis: what it has now, and what a replica or its append-only file has ------------------- */
typedef Holding {
    byte applied[USERS];                /* applied_user: the serial; 0: the user is not here */
    bit pending[USERS];
    byte count;                         /* coupon_count */
    byte returned;                      /* bit n: serial n is in the list */
    byte epoch;                         /* of the campaign hash; 0: the hash is not there */
    byte builder;                       /* the fence of the rebuild that has it; 0: it is open */
#if ENDS > 0
    byte places;                        /* places_returned */
    byte blanks;                        /* bit n: serial n was given back, so no user holds it */
#endif
#ifdef LOWERS
    byte quantity;
#endif
#ifdef PAUSES
    bit paused;
#endif
#ifdef CHANGES
    byte version;
    mtype noted;                        /* a change of this version, not known to be in MySQL */
#endif
#ifdef RELEASES
    bit releases;                       /* the campaign's releases, which it has from MySQL */
#endif
#ifdef ERASES
    byte pseudonym;                     /* the serial that user 0 holds under the pseudonym */
    bit erased;                         /* how many users were: then pseudonyms are asked for */
#endif
    byte fence
}
Holding redis, copied;
bit lags;                               /* redis has more than was copied */
byte history = 1;                       /* the server's replication id */
#ifdef FORMER_PRIMARY
Holding former;                         /* what the former primary has, of history - 1 */
#endif

#ifdef WITHOUT_EPOCH
#define OPEN  true
#else
#define OPEN  (redis.epoch == history && redis.builder == 0)    /* what every script checks */
#endif

/* ---- Kafka: the records from the group's committed offset to the end -------------------------- */
int topic;
int batch;                              /* of them: polled by the consumer, not yet committed */
int fresh;                              /* of them: sent since that poll */
int wire;                               /* sent, perhaps given up; may arrive at any time, or never */
/* Of the records in the topic, those that are behind the end that a rebuild with a higher fence has
 * stored. Their fence is of no account: it is an old one. */
short late, late_batch, late_fresh;
short late_wire;                        /* on the wire: will be late when they arrive */
#ifdef ZOMBIE
int held;                               /* polled by the consumer that lost its partitions */
short late_held;
#endif

/* ---- MySQL ------------------------------------------------------------------------------------- */
short coupon;                           /* rows. Nothing ever deletes one */
#if ENDS > 0
short given_back;                       /* of them: their users gave them back, and may have others */
short ended;                            /* of them: their places were returned */
byte places;                            /* how many were */
byte of_place[SERIALS];                 /* the row that returned each place: its index + 1 */
#define OWNED           (coupon & ~given_back)
#define BLANK(server, serial)  (((server.blanks >> (serial)) & 1) != 0)
#define PLACES(server)  server.places
#else
#define given_back      0
#define ended           0
#define places          0
#define OWNED           coupon
#define BLANK(server, serial)  false
#define PLACES(server)  0
#endif
#ifdef ERASES
short renamed;                          /* of the rows: they belong to the pseudonym of user 0 */
bit erased_users;
bit told_erased;                        /* user 0: no store has the id any more */
#define IS_PSEUDONYMS(server, serial)  (server.pseudonym == (serial))
/* Its code is that of the user, whatever its serial. */
#define IS_RENAMED(user)  ((user) == 0 && OF_USER(OWNED & renamed, 0) != 0)
#else
#define IS_PSEUDONYMS(server, serial)  false
#define IS_RENAMED(user)  false
#endif
#define WAS_OF(user, serial)  (HAS(given_back, user, serial) || IS_RENAMED(user))
#ifdef PAUSES
bit paused;
bit told_paused;                        /* an administrator: it is paused; none has asked since */
#define PAUSED(server)  server.paused
#else
#define PAUSED(server)  false
#endif
#ifdef CHANGES
byte version = 1;
#endif
#ifdef LOWERS
byte quantity = QUANTITY;
#define QUANTITY_OF(server)  server.quantity
#else
#define quantity        QUANTITY
#define QUANTITY_OF(server)  QUANTITY
#endif
/* The last serial that may be given: by MySQL's row, and as a Redis has it. */
#define LAST_SERIAL  (quantity + places)
#ifdef WITHOUT_REDIS_QUOTA
#define LIMIT(server)  SERIALS
#else
#define LIMIT(server)  (QUANTITY_OF(server) + PLACES(server))
#endif
#ifdef RELEASES
bit is_time;                            /* the second release is, by the clock of this Redis */
bit was_time;                           /* … by that of any Redis */
#ifdef RELEASES_IN_MEMORY               /* a mutant: a job opens it, in Redis */
#define ALL_RELEASED(server)  server.releases
#else
#define ALL_RELEASED(server)  (is_time || !server.releases)
#endif
/* What may be given by now, and the rest with the next release. */
#define LIMIT_NOW(server)  (ALL_RELEASED(server) -> LIMIT(server) : RELEASES + PLACES(server))
#define RELEASED           (was_time -> quantity : RELEASES)
#else
#define LIMIT_NOW(server)  LIMIT(server)
#define RELEASED           quantity
#endif
byte fence = 1;                         /* of the campaign */
byte stored = 1;                        /* the highest fence in fence_offset */
#ifdef WITH_FAILED_EVENTS
int failed;                             /* failed_event, unresolved */
#define IN_FAILED  failed
short late_failed;                      /* the same, of late records */
bit locked;                             /* the redrive's transaction runs: it has locked the campaign */
#ifdef IGNORES_LOCKS
#define NONE_WRITES  true
#else
#define NONE_WRITES  (!locked)
#endif
#else
#define IN_FAILED  0
#define NONE_WRITES  true
#endif

/* ---- What users received ------------------------------------------------------------------------ */
bit told[USERS];                        /* ACCEPTED; ALREADY_APPLIED promises the same */
byte shown[USERS];                      /* with this serial */

/* ---- The rebuilds: behind the end that each has read, and not yet stored ------------------------- */
#if OVERLAPS > 0
#define REBUILDS  2
#else
#define REBUILDS  1
#endif
bit reading[REBUILDS];                  /* it has read the group's offsets, and not yet the end */
int in_topic[REBUILDS];                 /* what it has found in the topic from these offsets on */
bit reads_on[REBUILDS];                 /* it has read the topic, and has not stored its end */
int behind[REBUILDS];                   /* what came to the topic since */
byte rebuilding;                        /* how many run */

byte failovers = FAILOVERS, flushes = FLUSHES, refusals = REFUSALS, overlaps = OVERLAPS;
#ifdef LIVE
byte kills = KILLS;
#define KILL  kills > 0 -> kills--
#define KILL_REBUILD  KILL
#define LOSES  (kills > 0)
#define LOSE   kills--
#else
byte rebuild_kills = REBUILD_KILLS;
#define KILL  true
#define LOSES  true
#define LOSE   skip
#define KILL_REBUILD  rebuild_kills > 0 -> rebuild_kills--
#endif

/* ---- What must never happen: the violated assertion names it ------------------------------------- */
SCRATCH byte P1_one_too_many;
SCRATCH byte P2_two_for_one_user;
SCRATCH byte P3_accepted_without_coupon;
SCRATCH byte P3_accepted_told_otherwise;
SCRATCH byte durable_admissions_collide; /* two users with one serial, or one with two */
SCRATCH byte closed_for_good;
SCRATCH byte pending_for_good;
SCRATCH byte coupon_unknown_to_redis;
SCRATCH byte serial_lost_for_good;
SCRATCH byte place_not_given_once;      /* places_returned is not the number of coupons that ended */
SCRATCH byte serial_held_twice;          /* given back, and held by a user again */
SCRATCH byte ended_coupon_used;
SCRATCH byte used_for_two_orders;
SCRATCH byte expired_coupon_used;       /* and not reserved in time by that order */
SCRATCH byte expired_coupon_exchanged;   /* given back for a new one */
SCRATCH byte change_left_half_done;
SCRATCH byte admitted_while_paused;     /* an administrator was told that it is paused */
SCRATCH byte given_before_release;
SCRATCH byte release_forgotten;
SCRATCH byte erased_id_returns;
SCRATCH byte erasure_left_half_done;

/* Scratch of single steps: not part of the state. */
SCRATCH byte i, k, users, serials, limit, is_refused, is_gone;
SCRATCH int seen;

inline copy(target, source) {
    for (k : 0 .. USERS - 1) {
        target.applied[k] = source.applied[k];
        target.pending[k] = source.pending[k]
    }
    target.count = source.count;
    target.returned = source.returned;
    target.epoch = source.epoch;
    target.builder = source.builder;
#if ENDS > 0
    target.places = source.places;
    target.blanks = source.blanks;
#endif
#ifdef LOWERS
    target.quantity = source.quantity;
#endif
#ifdef PAUSES
    target.paused = source.paused;
#endif
#ifdef CHANGES
    target.version = source.version;
    target.noted = source.noted;
#endif
#ifdef RELEASES
    target.releases = source.releases;
#endif
#ifdef ERASES
    target.pseudonym = source.pseudonym;
    target.erased = source.erased;
#endif
    target.fence = source.fence
}

inline append_late(pair) {
    late = late | pair;
    if
    :: (batch | late_batch) != 0 -> late_fresh = late_fresh | pair
    :: else
    fi
}

/* A record is sent without waiting for it. */
inline send(pair, its_fence) {
    if
    :: its_fence < stored -> late_wire = late_wire | pair
    :: else -> wire = wire | RECORD(pair, its_fence)
    fi
}

/* A record comes to the end of the topic. Late is one that a stored rebuild must have missed. */
inline append(pair, its_fence) {
    if
    :: its_fence < stored -> append_late(pair)
    :: else ->
        for (k : 0 .. REBUILDS - 1) {
            if                          /* read also where it is committed meanwhile */
            :: reading[k] -> in_topic[k] = in_topic[k] | RECORD(pair, its_fence)
            :: else
            fi;
            if                          /* unless another copy of it came in time */
            :: reads_on[k] && ((topic | IN_FAILED) & RECORD(pair, its_fence)) == 0 ->
                behind[k] = behind[k] | RECORD(pair, its_fence)
            :: else
            fi
        }
        topic = topic | RECORD(pair, its_fence);
        if
        :: (batch | late_batch) != 0 -> fresh = fresh | RECORD(pair, its_fence)
        :: else
        fi
    fi
}

/* One serial from `returned`, else the lowest up to the limit that no user holds; 0: none left.
 * A serial that was given back is held by a blank: it is given to no other user. */
inline free_serial(server, serial) {
    serial = 0;
    k = 1;
    do
    :: k <= SERIALS && !((server.returned >> k) & 1) -> k++
    :: else -> break
    od;
    if
    :: k <= SERIALS -> serial = k
    :: else ->
        for (k : 1 .. SERIALS) {
            users = BLANK(server, k) + IS_PSEUDONYMS(server, k);
            for (i : 0 .. USERS - 1) { users = users + (server.applied[i] == k) }
            if
            :: serial == 0 && k > server.count && k <= limit && users == 0 -> serial = k
            :: else
            fi
        }
    fi
}

inline take_serial(server, serial) {
    if
    :: (server.returned >> serial) & 1 -> server.returned = server.returned & ~(1 << serial)
    :: else -> server.count = (serial != 0 -> serial : server.count)
    fi
}

/* Spin's breadth-first search has the scratch in its states: the same step, the same state. */
inline clean() {
#ifdef SHORTEST
    i = 0; k = 0; users = 0; serials = 0; limit = 0; is_refused = 0; is_gone = 0; seen = 0
#else
    skip
#endif
}
