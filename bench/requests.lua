-- wrk: one kind of request again and again.
--   wrk ... -s bench/requests.lua URL -- KIND TOKEN ITEMS_FILE [HOW_MANY_ITEMS]
-- KIND: sale    one piece of one item, under a fresh Idempotency-Key
--       order   five lines of one piece each, under a fresh key
--       replay  the same sale under the same key
--       read    one item
--       health  a fixed answer, without the database
local counter = 0

function init(args)
  kind = args[1]
  items = {}
  local most = tonumber(args[4] or "1000000")
  for line in io.lines(args[3]) do
    if #items < most then items[#items + 1] = line end
  end
  -- Not from the clock: several generators begin within one second, and with each other's keys they would measure replays.
  local drawn = io.open("/dev/urandom", "rb"):read(8)
  run = drawn:gsub(".", function(byte) return string.format("%02x", byte:byte()) end)
  math.randomseed(tonumber(run:sub(1, 8), 16))
  headers = { ["Authorization"] = "Bearer " .. args[2] }
  if kind ~= "read" and kind ~= "health" then headers["Content-Type"] = "application/json" end
end

local function item() return items[math.random(#items)] end

local function fresh_key()
  counter = counter + 1
  return run .. "-" .. counter
end

-- The generator has the machine in common with what it asks: whatever does not change is put together once, with "@" for
-- the item and "#" for the key.
local function pattern()
  if kind == "health" then return wrk.format("GET", "/healthz", headers) end
  if kind == "read" then return wrk.format("GET", "/api/inventory/@", headers) end
  headers["Idempotency-Key"] = kind == "replay" and "replayed" or "#"
  if kind == "replay" then return wrk.format("PATCH", "/api/inventory/" .. items[1], headers, '{"decrement":1}') end
  return wrk.format("PATCH", "/api/inventory/@", headers, '{"decrement":1}')
end

local function order()
  local lines = {}
  for n = 1, 5 do lines[n] = '{"item_id":"' .. item() .. '","quantity":1}' end
  headers["Idempotency-Key"] = fresh_key()
  return wrk.format("POST", "/api/orders", headers, '{"lines":[' .. table.concat(lines, ",") .. "]}")
end

function request()
  if kind == "order" then return order() end
  whole = whole or pattern()
  if kind == "health" or kind == "replay" then return whole end
  if not before then before, after = whole:match("^(.-)@(.*)$") end
  if kind == "read" then return before .. item() .. after end
  if not between then between, after = after:match("^(.-)#(.*)$") end
  return before .. item() .. between .. fresh_key() .. after
end
