-- Requests at even distances, RATE of them a second, whatever became of those before, as far as there are connections.
-- The origin sends back when each was asked (field x-asked), so that what was answered and what was turned away are
-- timed apart. A histogram of logarithmic buckets, STEPS to a factor of e, is printed at the end.
local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds; long nanoseconds; } moment; int clock_gettime(int, moment *);")
local moment = ffi.new("moment")
local STEPS = 50
local interval = 1000 / tonumber(os.getenv("RATE"))
local threads = {}
local due, head, tail

local function now()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.seconds) * 1000 + tonumber(moment.nanoseconds) / 1000000
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init()
  local whole = wrk.format("GET", wrk.path .. "?asked=MOMENT")
  local at = whole:find("MOMENT", 1, true)
  head, tail = whole:sub(1, at - 1), whole:sub(at + 6)
  passed, refused, others, latest = {}, 0, 0, 0
end

function delay()
  local at = now()
  due = math.max(due or at, at - 1000) + interval
  if at - due > latest then latest = at - due end
  return math.max(0, math.floor(due - at + 0.5))
end

function request()
  return head .. string.format("%.3f", now()) .. tail
end

function response(status, headers)
  if status == 200 then
    local bucket = math.floor(math.log(math.max(0.01, now() - tonumber(headers["x-asked"])) * 100) * STEPS)
    passed[bucket] = (passed[bucket] or 0) + 1
  elseif status == 503 then
    refused = refused + 1
  else
    others = others + 1
  end
end

function done()
  local thread = threads[1]
  for bucket, count in pairs(thread:get("passed")) do
    print(string.format("BUCKET %.3f %d", math.exp((bucket + 1) / STEPS) / 100, count))
  end
  print(string.format("OPEN %d %d %.1f", thread:get("refused"), thread:get("others"), thread:get("latest")))
end
