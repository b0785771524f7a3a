/**
 * One request against several buckets: taken from all of them, or from none.
 *
 * A bucket is a single number, the time (µs, by Redis) at which it will be full again; a request moves it ahead by
 * the pause between two requests at the allowed rate. It may lie as far ahead as a burst lasts.
 *
 * KEYS: the buckets. ARGV: how far ahead they may lie (µs), then the pause of each bucket (µs).
 * Returns 0, or after how many ms the request would be allowed.
 */
export const TAKE_FROM_BUCKETS = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local burst = tonumber(ARGV[1])
local full = {}
local wait = 0
for i, key in ipairs(KEYS) do
  full[i] = math.max(tonumber(redis.call('GET', key) or 0), now) + tonumber(ARGV[i + 1])
  wait = math.max(wait, full[i] - now - burst)
end
if wait > 0 then return math.ceil(wait / 1000) end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', full[i]), 'PX', math.ceil((full[i] - now) / 1000))
end
return 0`;
