-- The requests of one wrk run, and its figures as one line of JSON.
-- Arguments: a file of lines "Name: value" (headers), a file with one request body a line.
-- Bodies are sent in turn, from the first one on; requests are formatted before the clock starts.

local requests = {}
local sent = 0

function init(arguments)
  wrk.method = "POST"
  for line in io.lines(arguments[1]) do
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  for line in io.lines(arguments[2]) do
    requests[#requests + 1] = wrk.format(nil, nil, nil, line)
  end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,' ..
    '"failed":%d,"not_2xx":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50.0), latency:percentile(99.0), latency.max,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
