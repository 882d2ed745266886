-- Load for wrk, run in one thread: POST to one path, each request as another user.
--
-- Arguments after "--": file with tokens, path, expected statuses ("202" or "202,409"),
-- "once" (each token once, then stop) or "again" (after the last token, start over).
-- Writes one line of JSON: right and wrong responses, connection errors, times, and
-- the CPU time of the load itself.
--
-- The load shares the CPUs with what it measures. So each request is built beforehand,
-- and there is one thread: two cost more, and one can send several times the load needed.
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int pid, int signal);")
local SIGINT = 2
local NOTHING = ""  -- an empty request: from here on the connection sends nothing
local the_thread

function setup(thread)
  the_thread = thread
end

function init(args)
  local file, path, once = args[1], args[2], args[4] == "once"
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
  right, wrong, last_wrong = 0, 0, 0
  prepared_s = os.clock()  -- CPU time

  function request()
    sent = sent + 1
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
    '{"right":%d,"wrong":%d,"wrong_status":%d,"lost":%d,"duration_us":%d,' ..
    '"cpu_us":%d,"p50_us":%d,"p95_us":%d,"p99_us":%d}\n',
    the_thread:get("right"), the_thread:get("wrong"), the_thread:get("last_wrong"),
    errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration, (os.clock() - the_thread:get("prepared_s")) * 1e6,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
