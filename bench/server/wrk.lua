-- Sends GET with one token after the other as bearer; without a file of tokens, plain GET. The last line is JSON.
local requests, last = {}, 0

function init(arguments)
  if arguments[1] == nil then
    requests[1] = wrk.format('GET')
    return
  end
  for token in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format('GET', nil, { Host = wrk.headers['Host'], Authorization = 'Bearer ' .. token })
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format('{"requests":%d,"seconds":%f,"failures":%d,"p99":%f}\n',
    summary.requests, summary.duration / 1e6, failures, latency:percentile(99) / 1000))
end
