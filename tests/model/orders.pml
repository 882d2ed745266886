/* A coupon that is reserved, used, or expires: that of user 0, and orders that want it. All in MySQL:
 * each call reads the row and the clock, decides, and writes only over what it has read. */
#ifdef ORDERS

mtype = { ISSUED, RESERVED, USED };
mtype state = ISSUED;
byte order;                             /* that has reserved or used it */
bit is_over;                            /* the reservation's time is over, by MySQL's clock */
bit uses[ORDERS + 1];                   /* this order was told that it has used the coupon */
/* EXPIRED is no state that is stored: it is what time makes of a coupon that no order has. */
#ifdef EXPIRES
bit is_expired;                         /* the coupon's time is over, by the same clock */
byte in_time;                           /* the order that has reserved it before that */
#define EXPIRED_BY_NOW  is_expired
#else
#define EXPIRED_BY_NOW  false
#endif

#define RESERVED_NOW   (state == RESERVED && !is_over)
#ifdef ENDS_TWICE
#define MAY_GIVE_BACK(index)  true
#define MAY_REVOKE(index)     true
#else
#ifdef GIVES_BACK_EXPIRED               /* a mutant: an expired coupon for a new one */
#define MAY_EXCHANGE  true
#else
#define MAY_EXCHANGE  (!EXPIRED_BY_NOW)
#endif
#define MAY_GIVE_BACK(index) \
    (USER_OF(index) != 0 || (state != USED && !RESERVED_NOW && MAY_EXCHANGE))
#define MAY_REVOKE(index)     (USER_OF(index) != 0 || state != USED)
#endif
#define HAS_COUPON     (OF_USER(OWNED & ~ended, 0) != 0)
#ifdef ANY_STATE                        /* a mutant: an UPDATE without its WHERE */
#define AS_READ  true
#else
/* A reservation that was seen to be over is another one where it is not. Time may go on. */
#define AS_READ  (HAS_COUPON && state == was && order == its_order && is_over >= was_over)
#endif

/* No order has it, also by a reservation whose time is over. */
#define FREE  (was == ISSUED || (was == RESERVED && was_over))
#define MINE  (was == RESERVED && its_order == mine && !was_over)
#ifdef EXPIRES
#define USABLE  (FREE && !was_expired)
#else
#define USABLE  FREE
#endif
#ifdef RESERVES_EXPIRED                 /* a mutant */
#define MAY_RESERVE  FREE
#else
#define MAY_RESERVE  USABLE
#endif
#ifdef USES_EXPIRED                     /* a mutant */
#define MAY_USE  (FREE || MINE)
#else
#define MAY_USE  (USABLE || MINE)       /* what was reserved in time lasts beyond the coupon's time */
#endif

/* The change is written over the state that it was decided on. */
inline change_state(to, to_order) {
    if
    :: AS_READ ->
        if
        :: was == USED -> uses[its_order] = 0           /* it cancels: only its own use */
        :: else
        fi;
        state = to;
        order = to_order;
        is_over = 0;
        SAY("order %d: the coupon is %e\n", mine, to);
#ifdef EXPIRES
        expired_coupon_used = (to == USED && was_expired && in_time != mine);
        assert(!expired_coupon_used);
        in_time = (to == RESERVED && !was_expired -> mine : 0);
        was_expired = 0;
#endif
        if
        :: to == USED ->
            uses[mine] = 1;
            users = 0;
            for (k : 1 .. ORDERS) { users = users + uses[k] }
            used_for_two_orders = (users > 1);
            assert(!used_for_two_orders);
            ended_coupon_used = !HAS_COUPON;
            assert(!ended_coupon_used)
        :: else
        fi
    :: else -> SAY("order %d: the coupon has changed meanwhile\n", mine)
    fi;
    end_call()
}

inline end_call() {
    was = 0;
    its_order = 0;
    was_over = 0;
#ifdef EXPIRES
    was_expired = 0;
#endif
    clean()
}

proctype Order(byte mine) {
    mtype was;
    byte its_order, calls = 3;
    bit was_over;
#ifdef EXPIRES
    bit was_expired;
#endif
end:
    do
    :: d_step { calls > 0 && HAS_COUPON ->
            calls--;
            was = state;
            its_order = order;
            was_over = is_over;
#ifdef EXPIRES
            was_expired = is_expired;
#endif
            clean()
        };
        if
        /* Another order's: only once its time is over. */
        :: d_step { MAY_RESERVE -> change_state(RESERVED, mine) }
        :: d_step { MAY_USE -> change_state(USED, mine) }
        :: d_step { MINE -> change_state(ISSUED, 0) }
        :: d_step { was == USED && its_order == mine -> change_state(ISSUED, 0) }
        :: d_step { end_call() }                                /* refused, or killed */
        fi
    od
}

proctype Time() {
end:
    do
    :: d_step { state == RESERVED && !is_over -> is_over = 1; SAY("a reservation is over\n") }
#ifdef EXPIRES
    :: d_step { HAS_COUPON && !is_expired -> is_expired = 1; SAY("the coupon's time is over\n") }
#ifdef EXPIRY_RETURNS                   /* a mutant: the place of an expired coupon is returned */
    :: d_step { HAS_COUPON && is_expired && state == ISSUED && places == 0 ->
            of_place[0] = 1;
            places = 1;
            SAY("MySQL: the place of the expired coupon is returned\n")
        }
#endif
#endif
    od
}
#else
#define MAY_GIVE_BACK(index)  true
#define MAY_REVOKE(index)     true
#endif
