/* A campaign whose coupons are released in stages: RELEASES at the opening, the others at a time of
 * Redis's clock. Redis has the releases from MySQL's row, and each admission asks the clock. */
#ifdef RELEASES

proctype Clock() {
end:
    do
    :: d_step { !is_time -> is_time = 1; was_time = 1; SAY("Redis: it is time for the release\n") }
#ifdef RELEASES_IN_MEMORY               /* a mutant: done once, and then Redis knows */
    :: d_step { is_time && OPEN && !redis.releases ->
            redis.releases = 1;
            lags = 1;
            SAY("a job opens the release\n")
        };
        break
#endif
    od
}
#endif
