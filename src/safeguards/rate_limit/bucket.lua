-- All buckets of one request, decided in their order by one call: what bucket.cpp does, number by number. A Lua number
-- is exact up to 2^53, which as microseconds since 1970 is the year 2255.
--
-- KEYS: one for each bucket. ARGV: eight for each, all whole numbers:
--   token, quota, base, cap     microseconds of a token, tokens, microseconds of the first and of the longest penalty
--   cost, more                  tokens to take; further ones to take along when they are there (a lease)
--   flags                       1: its refusal stops nobody; 2: take `cost` whether it is there or not
--   remembered                  what the asking node knows of the bucket, its moments counted from now: "" or
--                               "full_at blocked_until refused_at level"
-- Answers nine for each bucket up to the first refusal that stops:
--   verdict (0: refused, 1: admitted, 2: refused for longer than until its tokens are there), wait (-1: for ever),
--   remaining, refill, more, and the bucket, its moments counted from now: full_at, blocked_until, refused_at, level
--
-- A bucket is kept as "full_at written_at" or "full_at blocked_until refused_at level written_at", and vanishes when it is
-- as good as new. Here alone it is known when it was written: nodes may have different rates and penalties for it, as
-- while a limit is being changed. What another one wrote may be more than the asking node's bucket ever owes, and stays;
-- the clock has gone back only where it is earlier than what was written. No node writes more than its settings can mean, a
-- day for a window and for a penalty: what is beyond that was never a bucket.

local max, min, floor = math.max, math.min, math.floor
local grace = 50000
local day = 86400000000

-- Returns until when it may be blocked at most.
local function settle(s, now, burst, cap)
  local most = 2 * burst
  local latest = now + max(most + cap, min(s.blocked_until - s.written_at, 3 * day))
  s.full_at = min(max(s.full_at, 0), now + max(most, min(s.full_at - s.written_at, 2 * day)))
  s.blocked_until = min(max(s.blocked_until, 0), latest)
  s.refused_at = min(max(s.refused_at, 0), now)
  s.level = min(max(s.level, 0), 63)
  s.written_at = now
  return latest
end

local function added_at(level, base, cap)
  if level == 0 then return 0 end
  local added, doubled = base, 1
  while doubled < level and added < cap do
    added = added * 2
    doubled = doubled + 1
  end
  return min(added, cap)
end

local function until_next_token(debt, token, burst)
  if debt == 0 then return 0 end
  if debt > burst then return debt - burst + token end
  local rest = debt % token
  if rest == 0 then return token end
  return rest
end

local function push(s, now, latest, base, cap)
  if now - s.refused_at < grace then return end
  local added = added_at(s.level, base, cap)
  if added >= cap then return end
  s.level = s.level + 1
  s.blocked_until = min(s.blocked_until + added_at(s.level, base, cap) - added, latest)
end

local function refuse(s, now, wait, burst, base, cap)
  local windows = floor((now - s.blocked_until) / burst)
  s.level = max(0, s.level - 1 - windows)
  s.refused_at = now
  s.blocked_until = now + wait + added_at(s.level, base, cap)
end

-- Returns verdict, wait, remaining, refill.
local function take(s, now, token, quota, base, cap, cost)
  local burst = token * quota
  local latest = settle(s, now, burst, cap)
  local punishes = base > 0
  local blocked = punishes and now < s.blocked_until
  local debt = max(s.full_at - now, 0)
  local wait, penalized = -1, false
  if cost <= quota then
    local wanted = token * max(cost, 0)
    wait = max(debt + wanted - burst, 0)
    if blocked then
      push(s, now, latest, base, cap)
      s.blocked_until = max(s.blocked_until, now + wait)
    elseif wait > 0 and punishes then
      refuse(s, now, wait, burst, base, cap)
    elseif wait == 0 and wanted > 0 then
      debt = debt + wanted
      s.full_at = now + debt
    end
    if punishes and now < s.blocked_until then
      penalized = s.blocked_until - now > wait
      wait = s.blocked_until - now
    end
  end
  local shut = punishes and now < s.blocked_until
  local remaining = (shut or debt >= burst) and 0 or floor((burst - debt) / token)
  local refill = shut and s.blocked_until - now or until_next_token(debt, token, burst)
  return wait == 0 and 1 or penalized and 2 or 0, wait, remaining, refill
end

local function charge(s, now, token, quota, cost)
  if cost <= 0 then return end
  local most = 2 * token * quota
  local debt = min(max(max(s.full_at, 0) - now, 0), max(most, min(s.full_at - s.written_at, 2 * day)))
  s.full_at = now + max(debt, min(debt + token * min(cost, 2 * quota), most))
  s.written_at = max(s.written_at, now)  -- an earlier moment would make more of what was not settled
end

local function forgotten_at(s, burst)
  return max(s.full_at, s.blocked_until + max(s.level - 1, 0) * burst)
end

local function read(kept, now)
  local full_at, blocked_until, refused_at, level, written_at
  if kept then
    full_at, blocked_until, refused_at, level, written_at = string.match(kept, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
    if not full_at then full_at, written_at = string.match(kept, '^(%d+) (%d+)$') end
  end
  return { full_at = tonumber(full_at) or 0, blocked_until = tonumber(blocked_until) or 0,
           refused_at = tonumber(refused_at) or 0, level = tonumber(level) or 0,
           written_at = tonumber(written_at) or now }
end

-- A Redis that has lost buckets gets them back from who remembers them.
local function raise(s, now, told)
  local full_at, blocked_until, refused_at, level = string.match(told, '^(-?%d+) (-?%d+) (-?%d+) (%d+)$')
  if not level then return end
  s.full_at = max(s.full_at, now + full_at)
  if now + refused_at > s.refused_at then
    s.blocked_until = max(s.blocked_until, now + blocked_until)
    s.refused_at, s.level = now + refused_at, tonumber(level)
  end
end

-- The clock and the keys begin here.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers, n = {}, 0
for i, key in ipairs(KEYS) do
  local at = 8 * (i - 1)
  local token, quota, base, cap = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local cost, more, flags = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local s = read(redis.call('GET', key), now)
  local full_at, blocked_until, level = s.full_at, s.blocked_until, s.level
  if ARGV[at + 8] ~= '' then raise(s, now, ARGV[at + 8]) end
  local verdict, wait, remaining, refill = 1, 0, 0, 0
  if flags == 2 then
    charge(s, now, token, quota, cost)
    more = 0
  else
    verdict, wait, remaining, refill = take(s, now, token, quota, base, cap, cost)
    more = wait == 0 and now >= s.blocked_until and min(more, remaining) or 0
    s.full_at = s.full_at + more * token
  end
  local left = forgotten_at(s, token * quota) - now
  if left > 0 and (s.full_at ~= full_at or s.blocked_until ~= blocked_until or s.level ~= level) then
    local kept = string.format('%.0f %.0f', s.full_at, s.written_at)
    if s.blocked_until > 0 then
      kept = string.format('%.0f %.0f %.0f %d %.0f', s.full_at, s.blocked_until, s.refused_at, s.level, s.written_at)
    end
    redis.call('SET', key, kept, 'PX', floor(left / 1000) + 1)
  end
  answers[n + 1], answers[n + 2], answers[n + 3] = verdict, wait, remaining
  answers[n + 4], answers[n + 5], answers[n + 6] = refill, more, s.full_at - now
  answers[n + 7], answers[n + 8], answers[n + 9] = s.blocked_until - now, s.refused_at - now, s.level
  n = n + 9
  if wait ~= 0 and flags ~= 1 then break end
end
return answers
