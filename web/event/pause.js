// Waiting that ends early when something happens.

/** Wakes all who wait. */
export class Bell {
  #waiting = new Set();

  /** End every wait that is under way. */
  ring() {
    for (const wake of [...this.#waiting]) wake();
  }

  /**
   * Wait for `ms` (Infinity: only for the bell) or until the bell rings.
   *
   * Throws AbortError when `signal` is aborted.
   */
  wait(ms, signal, timers = window) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        timers.clearTimeout(timer);
        this.#waiting.delete(wake);
        signal?.removeEventListener("abort", abort);
        settle(value);
      };
      const wake = () => end(resolve);
      const abort = () => end(reject, new DOMException("stopped", "AbortError"));
      // A timer takes 31 bits; who waits longer looks again then.
      const timer = ms === Infinity ? undefined : timers.setTimeout(wake, Math.min(Math.max(ms, 0), 2 ** 31 - 1));
      this.#waiting.add(wake);
      signal?.addEventListener("abort", abort);
      if (signal?.aborted) abort();
    });
  }
}
