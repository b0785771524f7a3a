import { LuaScript } from '@quipu/ledger';

/** All keys share the tag of the totals, so that the scripts are legal on a cluster. */
const TAG = '{quipu}';

/** Sorted set of the timestamps of the generations that are kept, s. */
export const GENERATIONS_KEY = `${TAG}:generations`;
/** Prefix of a generation's hash of shards; its timestamp follows. */
export const GENERATION_PREFIX = `${TAG}:generations:`;
/** Who takes the generations now; runs out by itself. */
export const SAMPLER_LEASE_KEY = `${TAG}:sampler:lease`;
/** What became of the newest generation. */
export const SAMPLER_STATE_KEY = `${TAG}:sampler`;

/** Takes or renews the lease. KEYS: lease. ARGV: who, for how long (ms). 1 if it is the caller's now. */
export const takeLease = new LuaScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/** Gives the lease back if it is the caller's. KEYS: lease. ARGV: who. */
export const giveLeaseBack = new LuaScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`);

/**
 * Adds a generation. KEYS: timestamps, prefix of generations, lease, state. ARGV: who, timestamp, the greatest timestamp
 * that can be meant, how many are kept, points, points left out, epoch, and per shard its name and its bytes.
 *
 * 'lost': the lease is another's; 'there': a generation of this timestamp or a later one is kept; else 'stored'. The
 * lease is looked at where it is kept and in the same step as the generation is written: whoever lost it without
 * noticing writes nothing. What is dated beyond every clock's error is from a clock that was wrong, and would
 * else hold up all generations until its time has come.
 */
export const addGeneration = new LuaScript(`
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
local function drop(times)
  for _, time in ipairs(times) do
    redis.call('DEL', KEYS[2] .. time)
    redis.call('ZREM', KEYS[1], time)
  end
end
drop(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[3], '+inf'))
local newest = redis.call('ZREVRANGE', KEYS[1], 0, 0)[1]
if newest and tonumber(newest) >= tonumber(ARGV[2]) then return 'there' end
redis.call('DEL', KEYS[2] .. ARGV[2])
redis.call('HSET', KEYS[2] .. ARGV[2], unpack(ARGV, 8))
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[2])
drop(redis.call('ZRANGE', KEYS[1], 0, -(tonumber(ARGV[4]) + 1)))
redis.call('HSET', KEYS[4], 'timestamp', ARGV[2], 'points', ARGV[5], 'leftOut', ARGV[6], 'epoch', ARGV[7])
return 'stored'
`);

/**
 * Reads generations at one instant. KEYS: timestamps, prefix of generations. ARGV: 'newest', or the timestamp after which;
 * shards, none for all. Returns timestamp, [bytes of each shard], …, the oldest generation first.
 */
export const readGenerations = new LuaScript(`
local times
if ARGV[1] == 'newest' then times = redis.call('ZREVRANGE', KEYS[1], 0, 0)
else times = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf') end
local found = {}
for _, time in ipairs(times) do
  local key = KEYS[2] .. time
  found[#found + 1] = time
  if #ARGV == 1 then found[#found + 1] = redis.call('HVALS', key)
  else found[#found + 1] = redis.call('HMGET', key, unpack(ARGV, 2)) end
end
return found
`);
