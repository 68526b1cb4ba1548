-- wrk: sells one piece a request, each under a fresh Idempotency-Key.
--   wrk ... -s bench/sales.lua URL -- TOKEN ITEMS_FILE [HOW_MANY_ITEMS]
-- or, with REPLAY as a fourth word, the same key again and again.
local counter = 0
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  items = {}
  local most = tonumber(args[3] or "1000000")
  for line in io.lines(args[2]) do
    if #items < most then items[#items + 1] = line end
  end
  replay = args[4] == "REPLAY"
  run = os.time() .. "-" .. number
  math.randomseed(os.time() + number)
  headers = {
    ["Authorization"] = "Bearer " .. args[1],
    ["Content-Type"] = "application/json",
  }
end

function request()
  counter = counter + 1
  headers["Idempotency-Key"] = replay and "replayed" or (run .. "-" .. counter)
  local item = replay and items[1] or items[math.random(#items)]
  return wrk.format("PATCH", "/api/inventory/" .. item, headers, '{"decrement":1}')
end
