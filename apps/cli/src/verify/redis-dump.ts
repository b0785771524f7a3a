import type { Redis } from 'ioredis';

/** The Redis key prefix of everything that belongs to Quipu; its braces keep all keys in one cluster slot. */
const PREFIX = '{quipu}';

/**
 * Answers position and epoch, and, when they are the wanted ones, everything else as of the same moment:
 * a script runs alone. Member keys are read by the generation in the hash, never by pattern.
 */
const DUMP = `
  local totals = redis.call('HGETALL', KEYS[1])
  local at = {}
  for i = 1, #totals, 2 do
    if string.sub(totals[i], 1, 1) == '@' then at[totals[i]] = totals[i + 1] end
  end
  local head = { at['@position'] or '', at['@epoch'] or '' }
  if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then return { head[1], head[2], 0, {}, {} } end
  local prefix = KEYS[2] .. (at['@generation'] or '')
  local sets = {}
  for _, name in ipairs(redis.call('SMEMBERS', prefix)) do
    sets[#sets + 1] = name
    sets[#sets + 1] = redis.call('ZRANGE', prefix .. ':' .. name, 0, -1, 'WITHSCORES')
  end
  return { head[1], head[2], 1, totals, sets }`;

/** A field of the totals hash: `<family>|<tenant>|<labels>`. */
export interface RedisTotal {
  readonly family: string;
  readonly tenant: string;
  readonly labels: string;
  /** Decimal, as stored. */
  readonly value: string;
}

/** A member of a scored set. */
export interface RedisMember {
  readonly family: string;
  readonly tenant: string;
  readonly labels: string;
  readonly member: string;
  readonly score: string;
}

/** What Redis held at one moment: where it stood, and everything else if that is where it was asked to stand. */
export interface RedisDump {
  /** Decimal, `!` while a script applies or after one died, '' when Redis holds nothing. */
  readonly position: string;
  readonly epoch: string;
  readonly content: {
    readonly totals: readonly RedisTotal[];
    readonly members: readonly RedisMember[];
  } | null;
}

/** Reads the totals and members of Redis at once, if it stands at `position` in `epoch`. */
export async function dumpRedis(redis: Redis, position: string, epoch: string): Promise<RedisDump> {
  const keys = [`${PREFIX}:totals`, `${PREFIX}:members:`];
  const reply = (await redis.eval(DUMP, keys.length, ...keys, position, epoch)) as [
    string,
    string,
    number,
    string[],
    (string | string[])[],
  ];
  const [at, found, matches, fields, sets] = reply;
  if (matches !== 1) return { position: at, epoch: found, content: null };
  const totals = pairs(fields)
    .filter(([field]) => !field.startsWith('@'))
    .map(([field, value]) => ({ ...parts(field), value }));
  const members: RedisMember[] = [];
  for (let i = 0; i + 1 < sets.length; i += 2) {
    const set = decodedParts(String(sets[i]));
    for (const [member, score] of pairs(sets[i + 1] as string[])) members.push({ ...set, member, score });
  }
  return { position: at, epoch: found, content: { totals, members } };
}

function pairs(flat: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) result.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return result;
}

interface Parts {
  readonly family: string;
  readonly tenant: string;
  readonly labels: string;
}

function parts(name: string): Parts {
  const [family = '', tenant = '', ...rest] = name.split('|');
  return { family, tenant: decoded(tenant), labels: rest.join('|') };
}

/** The name of a member set is part of a key: its labels are encoded too. */
function decodedParts(name: string): Parts {
  const { labels, ...others } = parts(name);
  return { ...others, labels: decoded(labels) };
}

/** The decoded text; what is not well-formed stays as it is and shows up as a difference. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
