"""The arithmetic of `memory`, as scripts that Redis runs atomically."""

from typing import Final

__all__ = ["GIVE_BACK", "TAKE", "USAGE"]

TAKE: Final = """
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local lease, n = ARGV[2], #KEYS
local states = {}
for i = 1, n do
  local base = 2 + (i - 1) * 5
  local kind, limit = ARGV[base + 1], tonumber(ARGV[base + 2])
  local width, slots, amount = tonumber(ARGV[base + 3]), tonumber(ARGV[base + 4]), tonumber(ARGV[base + 5])
  local span, wait, state = width * slots, 0, {}
  if kind == 'window' then
    local slot = math.floor(now / width)
    local flat, parts, total, old = redis.call('HGETALL', KEYS[i]), {}, 0, {}
    for j = 1, #flat, 2 do
      local at, count = tonumber(flat[j]), tonumber(flat[j + 1])
      if at > slot - slots then
        parts[#parts + 1] = {at, count}
        total = total + count
      else
        old[#old + 1] = flat[j]
      end
    end
    table.sort(parts, function(a, b) return a[1] < b[1] end)
    local need = total + amount - limit
    if need > 0 then
      wait = span
      for _, part in ipairs(parts) do
        need = need - part[2]
        if need <= 0 then wait = part[1] * width + span - now break end
      end
      wait = math.max(1, wait)
    end
    state = {total = total, first = parts[1] and parts[1][1] or slot, old = old, slot = slot}
  elseif kind == 'lease' then
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
    local held = redis.call('ZCARD', KEYS[i])
    if held >= limit then wait = 1000 end
    state = {held = held}
  elseif limit < 1 then
    wait = span
  else
    local kept = redis.call('HMGET', KEYS[i], 'level', 'at')
    local level, at = tonumber(kept[1]) or limit, tonumber(kept[2]) or now
    level = math.min(limit, level + math.max(0, now - at) * limit / span)
    at = math.max(at, now)
    if level < 1 then wait = math.max(1, math.ceil((1 - level) * span / limit)) end
    state = {level = level, at = at}
  end
  if wait > 0 then return {0, i - 1, wait, now} end
  state.kind, state.limit, state.width, state.span, state.amount = kind, limit, width, span, amount
  states[i] = state
end
local answer = {1, now}
for i, s in ipairs(states) do
  local left, reset = 0, 0
  if s.kind == 'window' then
    if #s.old > 0 then redis.call('HDEL', KEYS[i], unpack(s.old)) end
    redis.call('HINCRBY', KEYS[i], string.format('%.0f', s.slot), s.amount)
    redis.call('PEXPIRE', KEYS[i], s.span + s.width)
    left, reset = s.limit - s.total - s.amount, s.first * s.width + s.span - now
  elseif s.kind == 'lease' then
    redis.call('ZADD', KEYS[i], now + s.span, lease)
    redis.call('PEXPIRE', KEYS[i], s.span)
    left = s.limit - s.held - 1
  else
    local level = s.level - 1
    redis.call('HSET', KEYS[i], 'level', string.format('%.17g', level), 'at', string.format('%.0f', s.at))
    redis.call('PEXPIRE', KEYS[i], s.span + 1000)
    left, reset = math.floor(level), math.ceil((s.limit - level) * s.span / s.limit)
  end
  answer[#answer + 1] = left
  answer[#answer + 1] = reset
end
return answer
"""
"""KEYS: one for each bound. ARGV: now in ms (empty: the server's clock), lease, then for each bound kind, limit,
slot in ms, slots, amount. Returns 1, now, then (remaining, reset) each; or 0, index, wait, now."""

GIVE_BACK: Final = """
for i, key in ipairs(KEYS) do
  local base = 1 + (i - 1) * 3
  local kind, slot, change = ARGV[base + 1], ARGV[base + 2], tonumber(ARGV[base + 3])
  if kind == 'lease' then
    redis.call('ZREM', key, ARGV[1])
  else
    local count = tonumber(redis.call('HGET', key, slot))
    if count then redis.call('HINCRBY', key, slot, math.max(-count, change)) end
  end
end
return 1
"""
"""KEYS: leases and token windows. ARGV: lease, then for each key kind, slot, change."""

USAGE: Final = """
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local answer = {}
for i, key in ipairs(KEYS) do
  local width, slots = tonumber(ARGV[i * 2]), tonumber(ARGV[i * 2 + 1])
  local slot, flat, total, first = math.floor(now / width), redis.call('HGETALL', key), 0, nil
  for j = 1, #flat, 2 do
    local at, count = tonumber(flat[j]), tonumber(flat[j + 1])
    if at > slot - slots and count > 0 then
      total = total + count
      if not first or at < first then first = at end
    end
  end
  answer[#answer + 1] = total
  answer[#answer + 1] = first and first * width + width * slots - now or 0
end
return answer
"""
"""KEYS: windows. ARGV: now as in `TAKE`, then for each key slot in ms, slots. Returns (used, reset in ms) each."""
