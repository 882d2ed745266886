/* A coupon that is reserved and used: that of user 0, and orders that want it. All in MySQL: each
 * call reads the row, decides, and writes only over what it has read. */
#ifdef ORDERS

mtype = { ISSUED, RESERVED, USED };
mtype state = ISSUED;
byte order;                             /* that has reserved or used it */
bit is_over;                            /* the reservation's time is over, by MySQL's clock */
bit uses[ORDERS + 1];                   /* this order was told that it has used the coupon */

#define RESERVED_NOW   (state == RESERVED && !is_over)
#ifdef ENDS_TWICE
#define MAY_GIVE_BACK(index)  true
#define MAY_REVOKE(index)     true
#else
#define MAY_GIVE_BACK(index)  (USER_OF(index) != 0 || (state != USED && !RESERVED_NOW))
#define MAY_REVOKE(index)     (USER_OF(index) != 0 || state != USED)
#endif
#define HAS_COUPON     (OF_USER(OWNED & ~ended, 0) != 0)
#ifdef ANY_STATE                        /* a mutant: an UPDATE without its WHERE */
#define AS_READ  true
#else
#define AS_READ  (HAS_COUPON && state == was && order == its_order && is_over == was_over)
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
    was = 0;
    its_order = 0;
    was_over = 0;
    clean()
}

proctype Order(byte mine) {
    mtype was;
    byte its_order, calls = 3;
    bit was_over;
end:
    do
    :: d_step { calls > 0 && HAS_COUPON ->
            calls--;
            was = state;
            its_order = order;
            was_over = is_over
        };
        if
        /* Another order's: only once its time is over. */
        :: d_step { was == ISSUED || (was == RESERVED && was_over) -> change_state(RESERVED, mine) }
        :: d_step { was == ISSUED || (was == RESERVED && (was_over || its_order == mine)) ->
                change_state(USED, mine)
            }
        :: d_step { was == RESERVED && its_order == mine && !was_over -> change_state(ISSUED, 0) }
        :: d_step { was == USED && its_order == mine -> change_state(ISSUED, 0) }
        :: d_step { was = 0; its_order = 0; was_over = 0 }      /* refused, or killed */
        fi
    od
}

proctype Time() {
end:
    do
    :: d_step { state == RESERVED && !is_over -> is_over = 1; SAY("a reservation is over\n") }
    od
}
#else
#define MAY_GIVE_BACK(index)  true
#define MAY_REVOKE(index)     true
#endif
