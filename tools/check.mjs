#!/usr/bin/env node
/**
 * Checks an exported number (`quipu why ... --export FILE`): computes intervals and number from the events in the file,
 * and shows that these events are those of the log, by the digests of the appends they came in. Depends on Node alone
 * and shares no code with the program that wrote the file: docs/semantics.md is followed here a third time, naively.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const HELP = `Usage: node check.mjs [options] FILE

Recomputes a number from the file that "quipu why ... --export FILE" wrote, and says what differs: an event that was
changed, removed or added, an interval or a total that does not follow from the events, a digest that does not match.
"-" reads standard input.

Options:
  --json         print the result as JSON
  --help         print this

Exit codes: 0 the number follows from the events, and they are those of the log; 1 the file could not be read;
2 wrong usage; 3 something differs.

Example:
  quipu why node_seconds --tenant acme --start 2026-10-01 --end 2026-11-01 --export october.ndjson
  node tools/check.mjs october.ndjson
`;

const MAX_PRINTED = 20;
const TERMINAL = ['job.completed', 'job.failed', 'job.aborted'];
const RANKS = ['job.blocked', 'job.unblocked', 'job.assigned', 'job.requeued'];
const LEVELS = { node_seconds: 'nodes', waiting_seconds: 'waiting', running_seconds: 'running' };
const STANDINGS = { queued: 'queued', delayed: 'delayed', blocked: 'blocked', in_progress: 'in_progress' };
const INHERITED = ['queue', 'user', 'nodes', 'cluster', 'clusterTemplate'];
const FIELDS = {
  user: 'user',
  queue: 'queue',
  cluster: 'cluster',
  template: 'clusterTemplate',
  provider: 'provider',
  hardware: 'hardwareType',
  image: 'imageType',
};

class UsageError extends Error {}

const text = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const iso = (t) => (t === null || Math.abs(t) === Infinity ? null : new Date(t).toISOString());
const time = (t) => (t === null || t === undefined ? null : Date.parse(t));
const least = (times) => times.reduce((a, b) => Math.min(a, b), Infinity);
const sha = (data) => createHash('sha256').update(data).digest();

/** Canonical JSON (RFC 8785) of a parsed value. */
function canonical(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

/** Facts in their order: time, sequence, (rank,) source, id. */
function inOrder(facts, rank = () => 0) {
  return [...facts].sort(
    (a, b) =>
      a.t - b.t ||
      text(a.sequence ?? '', b.sequence ?? '') ||
      rank(a) - rank(b) ||
      text(a.source, b.source) ||
      text(a.id, b.id),
  );
}

/** What the greatest of facts in order says about a field. */
function said(facts, name) {
  return facts.findLast((fact) => fact.data[name] !== undefined && fact.data[name] !== null)?.data[name];
}

/** Starts and ends of one life as intervals; an open tail that an end met before belongs to is left out. */
function walk(facts, isStart, isEnd) {
  const intervals = [];
  let open = null;
  let held = 0;
  for (const t of [...new Set(facts.map((fact) => fact.t))].sort((a, b) => a - b)) {
    const starts = facts.filter((fact) => fact.t === t && isStart(fact)).length;
    const ends = facts.filter((fact) => fact.t === t && isEnd(fact)).length;
    if (open === null) {
      if (starts > ends) open = t;
      else held += ends - starts;
    } else if (ends > 0) {
      intervals.push({ start: open, end: t });
      open = starts >= ends ? t : null;
      held += Math.max(0, ends - 1 - starts);
    }
  }
  if (open !== null) intervals.push({ start: open, end: null });
  intervals.forEach((interval, i) => {
    const next = intervals[i + 1]?.start ?? Infinity;
    interval.seen = facts.filter((fact) => fact.t < next || (fact.t === next && isEnd(fact)));
  });
  return held > 0 && open !== null ? intervals.slice(0, -1) : intervals;
}

function nodeIntervals(subject, events) {
  const parts = subject.split('/');
  const cluster = parts.length >= 3 && parts[1] !== '' ? parts[1] : undefined;
  const edges = events.filter(({ type }) => type === 'node.allocated' || type === 'node.released');
  const lives = new Set(edges.map(({ data }) => data.life ?? ''));
  return [...lives].flatMap((life) => {
    const facts = edges.filter(({ data }) => (data.life ?? '') === life);
    const isStart = ({ type }) => type === 'node.allocated';
    return walk(facts, isStart, (fact) => !isStart(fact)).map(({ start, end, seen }) => {
      const field = (name) => said(seen, name) ?? (name === 'cluster' ? cluster : undefined);
      return { level: 'nodes', life, start, end, height: 1, field };
    });
  });
}

/** The attempts of a job, lowest first: their facts, those that a failure implies (queued, without fields), fields. */
function attemptsOf(events) {
  const facts = events.filter(({ type }) => type.startsWith('job.') && !/progressed|removed/.test(type));
  const implied = facts
    .filter(({ type, data }) => type === 'job.failed' && data.final === false)
    .map((fact) => ({ ...fact, type: 'job.queued', data: { attempt: (fact.data.attempt ?? 1) + 1 } }));
  const all = inOrder([...facts, ...implied]);
  const numbers = [...new Set(all.map(({ data }) => data.attempt ?? 1))].sort((a, b) => a - b);
  const attempts = numbers.map((a) => ({ a, facts: all.filter(({ data }) => (data.attempt ?? 1) === a) }));
  attempts.forEach((attempt, i) => {
    attempt.higher = attempts.slice(i + 1).flatMap(({ facts: later }) => later);
    attempt.below = (name) =>
      INHERITED.includes(name)
        ? attempts
            .slice(0, i)
            .map(({ facts: lower }) => said(lower, name))
            .findLast((value) => value !== undefined)
        : undefined;
    attempt.field = (name) => said(attempt.facts, name) ?? attempt.below(name);
    attempt.delay = time(said(attempt.facts, 'delayUntil')) ?? -Infinity;
  });
  return attempts;
}

function jobIntervals(attempts, removals) {
  return attempts.flatMap((attempt) => {
    const life = String(attempt.a);
    const isEnd = ({ type }) => TERMINAL.includes(type);
    const running = walk(attempt.facts, ({ type }) => type === 'job.started', isEnd);
    const tail = running.at(-1);
    if (tail?.end === null) {
      const signs = attempt.higher
        .filter(({ type }) => !/(un)?blocked|requeued/.test(type))
        .map(({ t }) => t);
      const estimate = Math.max(tail.start, least(signs));
      const later = removals.filter((t) => t >= tail.start);
      const real = removals.length === 0 ? Infinity : later.length > 0 ? least(later) : tail.start;
      tail.estimated = estimate < real;
      tail.end = Math.min(estimate, real);
      if (tail.end === Infinity) tail.end = null;
    }
    attempt.running = running;
    const held = running.map(({ start, end, seen, estimated }) => {
      const field = (name) => said(seen, name) ?? attempt.below(name);
      return { level: 'running', life, start, end, height: 1, estimated, field };
    });
    const nodes = held.map((run) => ({ ...run, level: 'nodes', height: run.field('nodes') ?? 0 }));
    const waits = waitsOf(attempt, removals).map(([start, end]) => ({ level: 'waiting', start, end }));
    const waiting = waits.map((wait) => ({ ...wait, life, height: 1, field: attempt.field }));
    return [...held, ...nodes, ...waiting];
  });
}

function latestStatus(facts) {
  const rank = ({ type }) => RANKS.indexOf(type);
  return inOrder(
    facts.filter((fact) => rank(fact) >= 0),
    rank,
  ).at(-1)?.type;
}

/** The spans of instants at which an attempt waits; whether it does changes only where something happens. */
function waitsOf({ facts, running, higher, delay }, removals) {
  const over = least([...higher.map(({ t }) => t), ...removals]);
  const instants = new Set([
    ...facts.map(({ t }) => t),
    ...running.flatMap(({ start, end }) => [start, end]),
  ]);
  for (const t of [delay, over]) if (Math.abs(t) !== Infinity) instants.add(t);
  instants.delete(null);
  const waits = [];
  let since = null;
  for (const t of [...instants].sort((a, b) => a - b)) {
    const told = facts.filter((fact) => fact.t <= t);
    const status = latestStatus(told);
    const waiting =
      t >= delay &&
      t < over &&
      !running.some(({ start, end }) => start <= t && (end === null || t < end)) &&
      !told.some(({ type }) => TERMINAL.includes(type)) &&
      (status === undefined
        ? told.some(({ type }) => type === 'job.queued')
        : status === 'job.unblocked' || status === 'job.requeued');
    if (waiting) since ??= t;
    else if (since !== null) {
      waits.push([since, t]);
      since = null;
    }
  }
  return since === null ? waits : [...waits, [since, null]];
}

/** What a job is counted as in the depth of its queue at an instant. */
function standingOf(attempts, removals, at) {
  const top = attempts.at(-1);
  if (top === undefined || removals.length > 0) return [];
  const stands = (column, start = null) => {
    const interval = { start, end: null, from: start, to: null };
    return [{ column, life: String(top.a), ...interval, height: 1, amount: 1n, field: top.field }];
  };
  if (top.running.some(({ end }) => end === null)) return stands('in_progress');
  if (top.facts.some(({ type }) => TERMINAL.includes(type))) return [];
  const status = latestStatus(top.facts);
  if (status === 'job.blocked') return stands('blocked');
  if (status === 'job.assigned') return stands('in_progress');
  const queued = top.facts.filter(({ type }) => type === 'job.queued');
  const released = top.facts.filter(({ type }) => type === 'job.unblocked' || type === 'job.requeued');
  if (queued.length + released.length === 0) return [];
  const since = Math.max(least((queued.length > 0 ? queued : released).map(({ t }) => t)), top.delay);
  return stands(since <= at ? 'queued' : 'delayed', since);
}

/** Everything the events of one entity add to the number. */
function recompute(question, tenant, entity, events) {
  const facts = inOrder(events);
  const removals = facts.filter(({ type }) => type === 'job.removed').map(({ t }) => t);
  const attempts = entity.startsWith('job/') ? attemptsOf(facts) : [];
  const intervals = entity.startsWith('job/')
    ? jobIntervals(attempts, removals)
    : nodeIntervals(entity, facts);
  const { measure } = question;
  const column = STANDINGS[measure];
  const found =
    column === undefined
      ? cut(question, intervals)
      : standingOf(attempts, removals, time(question.at)).filter((one) => one.column === column);
  return found.filter(({ field }) =>
    Object.entries(question.filters).every(([name, value]) => {
      if (name === 'tenant') return tenant === value;
      if (name === 'service') return (field('services') ?? []).includes(value);
      const actual = field(FIELDS[name]);
      return (name === 'queue' && column !== undefined ? (actual ?? '') : actual) === value;
    }),
  );
}

/** The intervals of the measure's level, cut at its window, and what each amounts to. */
function cut(question, intervals) {
  const level = LEVELS[question.measure] ?? question.measure;
  const counted = LEVELS[question.measure] === undefined;
  const from = counted ? time(question.at) : (time(question.start) ?? -Infinity);
  const to = counted ? from : time(question.end);
  return intervals
    .filter((one) => one.level === level && one.height > 0 && one.start !== one.end)
    .map((one) => {
      const begin = counted ? from : Math.max(one.start, from);
      const stop = counted ? from : Math.min(one.end ?? to, to);
      const there = counted && one.start <= from && (one.end === null || from < one.end);
      const length = counted ? Number(there) : Math.max(0, stop - begin);
      return { ...one, from: begin, to: stop, amount: BigInt(one.height) * BigInt(length) };
    })
    .filter(({ amount }) => amount > 0n);
}

/** The check itself: feed it line by line, then ask for the result. */
class Check {
  question = null;
  end = null;
  entities = new Map();
  listed = new Map();
  hashes = new Map();
  batches = [];
  intervals = 0;
  differences = [];

  differ(what) {
    this.differences.push(what);
  }

  take(line) {
    if (this.question === null) {
      if (line['quipu-why'] !== 1) throw new Error('this is no exported number in format 1');
      const known = { ...LEVELS, ...STANDINGS, nodes: '', running: '' };
      if (known[line.measure] === undefined) throw new Error(`the measure ${line.measure} is unknown`);
      this.question = line;
    } else if (this.end !== null) this.differ('there are lines after the end');
    else if (line.interval) this.list(line.interval);
    else if (line.event) this.add(line.position, line.event);
    else if (line.batch) this.batches.push(line.batch);
    else if (line.end) this.end = line.end;
    else throw new Error('unknown kind of line');
  }

  list(interval) {
    this.intervals += 1;
    const key = canonical(interval);
    this.listed.set(key, (this.listed.get(key) ?? 0) + 1);
  }

  add(position, event) {
    if (!/^(job|node)\./.test(event.type) || event.dataversion !== 1)
      throw new Error(
        `position ${position}: ${event.type} version ${event.dataversion} is unknown to this program`,
      );
    if (this.hashes.has(position)) this.differ(`position ${position}: is there twice`);
    this.hashes.set(position, sha(canonical(event)));
    const key = JSON.stringify([event.tenant, event.subject]);
    if (!this.entities.has(key)) this.entities.set(key, []);
    this.entities.get(key).push({ ...event, t: time(event.time) });
  }

  /** Each append hashes to its digest, and every event is in one. */
  checkBatches() {
    const own = [...this.hashes]
      .map(([position, hash]) => [BigInt(position), hash])
      .sort(([a], [b]) => (a < b ? -1 : 1));
    let next = 0;
    let after = -1n;
    const unproven = (before) => {
      for (; next < own.length && (before === null || own[next][0] < before); next += 1)
        this.differ(`position ${own[next][0]}: belongs to no append`);
    };
    for (const batch of this.batches) {
      const where = `append ${batch.first} to ${batch.last}`;
      if (BigInt(batch.first) <= after) this.differ(`${where}: is not in its place`);
      after = BigInt(batch.last);
      unproven(BigInt(batch.first));
      const leaves = batch.leaves.map(([position, hash]) => [BigInt(position), Buffer.from(hash, 'hex')]);
      for (; next < own.length && own[next][0] <= after; next += 1) leaves.push(own[next]);
      leaves.sort(([a], [b]) => (a < b ? -1 : 1));
      if (leaves.length !== batch.events) {
        this.differ(`${where}: ${leaves.length} of its ${batch.events} events are accounted for`);
        continue;
      }
      const digest = createHash('sha256').update(batch.previous, 'hex');
      for (const [position, hash] of leaves) {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64BE(position);
        digest.update(bytes).update(hash);
      }
      if (digest.digest('hex') !== batch.digest)
        this.differ(`${where}: its events do not hash to its digest`);
    }
    unproven(null);
    const { head } = this.end;
    const last = this.batches.at(-1);
    if (last?.last === head.position && last.digest !== head.digest)
      this.differ('the head is another digest');
  }

  finish() {
    if (this.question === null) throw new Error('this is no exported number in format 1');
    if (this.end === null) {
      this.differ('the file is cut off: its end line is missing');
      return this.result(0n);
    }
    const found = new Map();
    let total = 0n;
    for (const [key, events] of this.entities) {
      const [tenant, entity] = JSON.parse(key);
      const items = recompute(this.question, tenant, entity, events);
      if (items.length === 0) this.differ(`${entity}: its events add nothing to the number`);
      for (const { life, start, end, from, to, height, estimated = false, amount } of items) {
        total += amount;
        const times = { start: iso(start), end: iso(end), from: iso(from), to: iso(to) };
        const interval = { tenant, entity, life, ...times, height, estimated, amount: String(amount) };
        found.set(canonical(interval), interval);
      }
    }
    for (const [key, times] of this.listed) {
      const { entity, from, to, amount } = JSON.parse(key);
      const line = `${entity} from ${from} to ${to}: ${amount}`;
      if (times > 1) this.differ(`interval ${line} is listed ${times} times`);
      if (!found.has(key)) this.differ(`interval ${line} does not follow from the events`);
    }
    for (const [key, { entity, from, to, amount }] of found)
      if (!this.listed.has(key))
        this.differ(`interval ${entity} from ${from} to ${to}: ${amount} is not listed`);
    this.checkBatches();
    const counted = {
      ...{ total: String(total), entities: this.entities.size, intervals: this.intervals },
      ...{ events: this.hashes.size, batches: this.batches.length },
    };
    for (const [name, value] of Object.entries(counted))
      if (this.end[name] !== value) this.differ(`the file says ${name} ${this.end[name]}, it holds ${value}`);
    return this.result(total);
  }

  result(total) {
    const seconds = LEVELS[this.question.measure] !== undefined;
    const thousandths = String(total % 1000n)
      .padStart(3, '0')
      .replace(/0+$/, '');
    const whole = seconds ? `${total / 1000n}${thousandths === '' ? '' : `.${thousandths}`}` : String(total);
    return {
      ...{ measure: this.question.measure, number: whole, entities: this.entities.size },
      ...{ intervals: this.intervals, events: this.hashes.size, appends: this.batches.length },
      ...{ head: this.end?.head ?? null, differences: this.differences },
    };
  }
}

function print(result) {
  const { measure, number, entities, intervals, events, appends, head, differences } = result;
  for (const what of differences.slice(0, MAX_PRINTED)) process.stdout.write(`DIFFERS  ${what}\n`);
  if (differences.length > MAX_PRINTED)
    process.stdout.write(`DIFFERS  and ${differences.length - MAX_PRINTED} more\n`);
  process.stdout.write(
    `${measure} = ${number}, from ${events} events of ${entities} entities, ${intervals} intervals\n`,
  );
  process.stdout.write(`${appends} appends checked, head of the log ${head?.digest ?? 'unknown'}\n`);
  process.stdout.write(
    differences.length === 0
      ? 'The number follows from the events.\n'
      : `${differences.length} differences.\n`,
  );
}

async function main(argv) {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(HELP);
    return 0;
  }
  const files = argv.filter((arg) => !arg.startsWith('-') || arg === '-');
  const unknown = argv.find((arg) => arg.startsWith('-') && arg !== '-' && arg !== '--json');
  if (unknown !== undefined) throw new UsageError(`unknown option ${unknown}`);
  if (files.length !== 1) throw new UsageError(files.length === 0 ? 'FILE is missing' : 'one FILE only');
  const check = new Check();
  const input = files[0] === '-' ? process.stdin : createReadStream(files[0]);
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line === '') continue;
    try {
      check.take(JSON.parse(line));
    } catch (error) {
      throw new Error(`line ${number}: ${error.message}`, { cause: error });
    }
  }
  const result = check.finish();
  if (argv.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`);
  else print(result);
  return result.differences.length === 0 ? 0 : 3;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(`check: ${error.message}\n${usage ? '\nTry --help.\n' : ''}`);
  process.exitCode = usage ? 2 : 1;
}
