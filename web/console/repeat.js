// Repeats a task while the page is looked at.

// task: resolves to the ms until it runs again, null for never again. Returns what ends it. It never
// runs twice at once, and a page in the background asks for nothing.
export function repeat(task) {
  let timer = 0;
  let ended = false;
  let running = false;

  async function run() {
    if (ended || running || document.hidden) return;
    running = true;
    const delay = await task().finally(() => {
      running = false;
    });
    if (!ended && delay !== null) timer = setTimeout(run, delay);
  }

  function wake() {
    clearTimeout(timer);
    run();
  }

  document.addEventListener("visibilitychange", wake);
  run();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", wake);
  };
}
