-- Posts the lines of a file in turn, prepared before the clock runs; says what was measured as one line of JSON.
-- Nine # in a line become another number each time: a name that was never asked for before.
local requests, at = {}, 0
-- Runs that begin in different seconds do not share numbers.
local fresh = os.time() % 1000 * 1000000
local PLACE = "#########"

function init(args)
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  for body in io.lines(args[1]) do
    local text = wrk.format(nil, nil, nil, body)
    requests[#requests + 1] = { text = text, fresh = text:find(PLACE, 1, true) ~= nil }
  end
end

local function number()
  fresh = fresh + 1
  return string.format("%09d", fresh)
end

function request()
  at = at % #requests + 1
  local one = requests[at]
  if one.fresh then
    return (one.text:gsub(PLACE, number))
  end
  return one.text
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'FIGURES {"requests":%d,"duration_us":%d,"bytes":%d,"failed":%d,"p50_us":%d,"p99_us":%d,"max_us":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
