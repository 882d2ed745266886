/* The path of a coupon in one campaign, for Spin. README.md says what is proven, check.py runs it.
 *
 * Every d_step is one atomic step of the real system: a Lua script in Redis, a transaction in
 * MySQL, an append to Kafka. Between any two of them any other step may happen, and the process
 * may be killed. SAY is a line of a counterexample (check.py --tell NAME).
 */
#include "world.pml"
#include "consume.pml"
#include "apply.pml"
#include "relay.pml"
#include "redrive.pml"
#include "rebuild.pml"
#include "orders.pml"
#include "ends.pml"
#include "change.pml"
#include "release.pml"
#include "erase.pml"
#include "faults.pml"
#include "quiet.pml"

init {
    atomic {
#ifndef EMPTIED
        redis.epoch = history;
        redis.fence = fence;
#ifdef LOWERS
        redis.quantity = quantity;
#endif
#ifdef CHANGES
        redis.version = version;
#endif
#if defined(RELEASES) && !defined(RELEASES_IN_MEMORY)
        redis.releases = 1;
#endif
#endif
#ifdef HAS_ROW
        coupon = PAIR(0, 1);
        told[0] = 1;
        shown[0] = 1;
#ifndef EMPTIED
        redis.applied[0] = 1;
        redis.count = 1;
#endif
#endif
        copy(copied, redis);
#ifdef COLLISION
        /* User 0 has coupon 1; user 1 got that serial too, after a loss that was not noticed. */
        coupon = PAIR(0, 1);
        failed = RECORD(PAIR(1, 1), 1);
        told[1] = 1;
        redis.applied[0] = 1;
        redis.count = 1;
        copy(copied, redis);
#endif
        for (i : 0 .. USERS - 1) { run Apply(i) }
        run Consumer();
        run Wire();
#ifndef WITHOUT_PENDING
        run Relay();
#endif
#ifdef WITH_FAILED_EVENTS
        run Redrive();
#endif
#ifdef WITH_REDIS_FAULTS
        for (i : 0 .. REBUILDS - 1) { run Rebuild(i) }
        run RedisFaults();
#endif
#ifdef ZOMBIE
        run Zombie();
#endif
#if GIVES > 0
        run GiveBack(0);
#if GIVES > 1
        run GiveBack(1);
#endif
#endif
#if REVOKES > 0
        run Revoke();
#endif
#if ENDS > 0
        run Completes();
#endif
#ifdef ORDERS
        for (i : 1 .. ORDERS) { run Order(i) }
        run Time();
#endif
#ifdef LOWERS
        run Change(LOWER, 0);
#endif
#ifdef PAUSES
        run Change(PAUSE, 0);
#endif
#ifdef RESUMES
        run Change(RESUME, 0);
#endif
#ifdef CHANGES
        run Change(0, 1);
#endif
#ifdef RELEASES
        run Clock();
#endif
#ifdef ERASES
        run Erase();
#ifndef LEAVES_ERASURE_HALF_DONE
        run CompletesErasure();
#endif
#endif
#ifdef POSTS_AGAIN
        run Administrator();
#endif
#ifndef LIVE
        run Quiet()
#endif
    }
}

#ifdef LIVE
/* Users are interchangeable, so what holds for one holds for each. */
ltl accepted_is_issued { [] (told[0] -> <> (OF_USER(coupon, 0) != 0)) }
ltl opens_again        { [] <> (redis.epoch == history && redis.builder == 0) }
ltl pending_ends       { [] (redis.pending[0] -> <> !redis.pending[0]) }
#endif
