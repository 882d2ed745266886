-- Load for wrk, run in one thread: POST to one path, each request as another user.
--
-- Arguments after "--": file with tokens, path, expected statuses ("202" or "202,409"),
-- "once" (each token once, then stop) or "again" (after the last token, start over), and the rate:
-- requests a second, or 0 for as many as the connections can have answered one after the other.
-- Writes one line of JSON: right and wrong responses, connection errors, times, how many requests
-- left late, and the CPU time of the load itself.
--
-- The load shares the CPUs with what it measures. So each request is built beforehand,
-- and there is one thread: two cost more, and one can send several times the load needed.
local ffi = require("ffi")
ffi.cdef([[
  int getpid(void); int kill(int pid, int signal);
  typedef struct { long s; long ns; } timespec_t; int clock_gettime(int clock, timespec_t *now);
]])
local SIGINT, CLOCK_REALTIME = 2, 0  -- of both Linux and macOS
local LATE_MS = 5
local NOTHING = ""  -- an empty request: from here on the connection sends nothing
local the_thread
local clock = ffi.new("timespec_t")

local function now_ms()
  ffi.C.clock_gettime(CLOCK_REALTIME, clock)
  return tonumber(clock.s) * 1e3 + tonumber(clock.ns) / 1e6
end

-- Users who come by themselves: the times between two requests are exponential, whatever the
-- answers take. A connection that is free takes the next time and waits for it. A request is late
-- when all connections were waiting for answers, or when the load itself got no processor.
-- Returns what is called as each request leaves, with its number from 0 on.
local function pace(rate_per_s)
  local due_ms, given, last_ms = {}, 0, nil

  function delay()  -- wrk asks before each request, and waits for so many whole milliseconds
    local now = now_ms()
    last_ms = (last_ms or now) - 1000 / rate_per_s * math.log(1 - math.random())
    due_ms[given], given = last_ms, given + 1
    return math.max(0, math.floor(last_ms - now + 0.5))
  end

  return function(number)
    if due_ms[number] and now_ms() - due_ms[number] > LATE_MS then
      late = late + 1
    end
  end
end

function setup(thread)
  the_thread = thread
end

function init(args)
  local file, path, once, rate_per_s = args[1], args[2], args[4] == "once", tonumber(args[5])
  local expected = {}
  for status in args[3]:gmatch("%d+") do
    expected[tonumber(status)] = true
  end
  local head, tail = wrk.format("POST", path, { Authorization = "Bearer ?" }):match("^(.*)?(.*)$")
  local requests = {}
  for token in io.lines(file) do
    requests[#requests + 1] = head .. token .. tail
  end
  local count = #requests
  local sent = -2  -- before the first request, number 0, wrk asks for one that it does not send
  right, wrong, last_wrong, late = 0, 0, 0, 0
  prepared_s = os.clock()  -- CPU time

  local leaves = rate_per_s > 0 and pace(rate_per_s) or function() end

  function request()
    sent = sent + 1
    leaves(sent)
    if once and sent >= count then
      return NOTHING
    end
    return requests[sent % count + 1]
  end

  function response(status)
    if expected[status] then
      right = right + 1
    else
      wrong, last_wrong = wrong + 1, status
    end
    if once and right + wrong >= count then
      wrk.thread:stop()
      ffi.C.kill(ffi.C.getpid(), SIGINT)  -- wrk sleeps until its time is over or this signal
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"right":%d,"wrong":%d,"wrong_status":%d,"lost":%d,"late":%d,"duration_us":%d,' ..
    '"cpu_us":%d,"p50_us":%d,"p95_us":%d,"p99_us":%d}\n',
    the_thread:get("right"), the_thread:get("wrong"), the_thread:get("last_wrong"),
    errors.connect + errors.read + errors.write + errors.timeout, the_thread:get("late"),
    summary.duration, (os.clock() - the_thread:get("prepared_s")) * 1e6,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
