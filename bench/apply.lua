-- Load for wrk: POST to one path, each request with the token of another user.
--
-- Arguments after "--": file with tokens, number of wrk's threads, path, statuses that are right
-- ("202" or "202,409"), "once" (each token one time, then stop; one thread) or "again" (from the
-- first again).
-- Writes one line of JSON: answers that were right and wrong, errors of the connections, times.
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int pid, int signal);")
local SIGINT = 2
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  local file, count = args[1], tonumber(args[2])
  path, once = args[3], args[5] == "once"
  expected = {}
  for status in args[4]:gmatch("%d+") do
    expected[tonumber(status)] = true
  end
  tokens, line_number = {}, 0
  for token in io.lines(file) do
    if line_number % count == number then
      tokens[#tokens + 1] = token
    end
    line_number = line_number + 1
  end
  -- wrk asks the first thread for one request that it does not send.
  sent, right, wrong, last_wrong = number == 0 and -1 or 0, 0, 0, 0
end

function request()
  sent = sent + 1
  if once and sent > #tokens then
    return wrk.format("GET", "/nothing-is-here")  -- answered 404, while the others' answers come
  end
  local token = tokens[(sent - 1) % #tokens + 1]
  return wrk.format("POST", path, { Authorization = "Bearer " .. token })
end

function response(status)
  if expected[status] then
    right = right + 1
  elseif not (once and status == 404) then
    wrong, last_wrong = wrong + 1, status
  end
  if once and right + wrong >= #tokens then
    wrk.thread:stop()
    ffi.C.kill(ffi.C.getpid(), SIGINT)  -- wrk itself sleeps until its time is over, or this
  end
end

function done(summary, latency)
  local all, bad, status = 0, 0, 0
  for _, thread in ipairs(threads) do
    all, bad = all + thread:get("right"), bad + thread:get("wrong")
    status = math.max(status, thread:get("last_wrong"))
  end
  local errors = summary.errors
  io.write(string.format(
    '{"right":%d,"wrong":%d,"wrong_status":%d,"lost":%d,"duration_us":%d,' ..
    '"p50_us":%d,"p95_us":%d,"p99_us":%d}\n',
    all, bad, status, errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
