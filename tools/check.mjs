#!/usr/bin/env node
/**
 * Checks an exported number (`quipu why ... --export FILE`): computes intervals and number from the events in the file,
 * and shows that these events are those of the log, by the digests of the appends they came in. Depends on Node alone
 * and shares no code with the program that wrote the file: docs/semantics.md is followed here a third time, naively.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const HELP = `Usage: node check.mjs [--json] FILE        ("-" reads standard input)

Recomputes a number from the file that "quipu why ... --export FILE" wrote, and says what differs: an event that was
changed, removed or added, an interval or a total that does not follow from the events, a digest that does not match.
Exit codes: 0 the number follows from the events, and they hash to the digests of their appends; 1 the file could not be
read, or is no export; 2 wrong usage; 3 something differs, or a line is none that an export has.
`;
const [QUEUED, STARTED, TERMINAL] = [/queued$/, /started$/, /completed|failed|aborted/];
const STATUS = ['job.blocked', 'job.unblocked', 'job.assigned', 'job.requeued'];
const INTEGRALS = { node_seconds: 'nodes', waiting_seconds: 'waiting', running_seconds: 'running' };
const STANDINGS = ['queued', 'delayed', 'blocked', 'in_progress'];
/** Newest versions of the data of types that have more than one; their older versions have no estimates. */
const VERSIONS = { 'job.aborted': 2 };
const FIELDS = { template: 'clusterTemplate', hardware: 'hardwareType', image: 'imageType' };

const iso = (t) => (t === null || Math.abs(t) === Infinity ? null : new Date(t).toISOString());
const time = (t, none) => (t === null || t === undefined ? none : Date.parse(t));
const greatest = (facts) => Math.max(-Infinity, ...facts.map((fact) => fact.t));
const least = (facts) => Math.min(Infinity, ...facts.map((fact) => fact.t));
const instants = (times) => [...new Set(times)].filter(Number.isFinite).sort((a, b) => a - b);
const sha = (data) => createHash('sha256').update(data).digest();
const compare = (a = '', b = '') => (a < b ? -1 : a > b ? 1 : 0);
const has = (facts, type) => facts.some((fact) => type.test(fact.type));
/** What the last of facts in order says about a field. */
const said = (facts, name) => facts.findLast(({ data }) => (data[name] ?? null) !== null)?.data[name];
/** An end that nobody saw: what followed from the silence of a worker. */
const guessed = ({ type, dataversion, data }) =>
  type === 'job.aborted' && dataversion > 1 && data.estimated === true;
const lifeOf = ({ type, data }) => (type.startsWith('node.') ? (data.life ?? '') : (data.attempt ?? 1));

/** Facts in their order: time, sequence, rank of what they say of the status, source, id. */
function inOrder(facts, rank = () => 0) {
  const order = (a, b) => a.t - b.t || compare(a.sequence, b.sequence) || rank(a) - rank(b);
  return [...facts].sort((a, b) => order(a, b) || compare(a.source, b.source) || compare(a.id, b.id));
}

/** Canonical JSON (RFC 8785) of a parsed value. */
function canonical(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

/** Starts and ends of one life as intervals; an open tail that an end met before belongs to is left out. */
function walk(facts, start, end) {
  const intervals = [];
  let [open, held] = [null, 0];
  for (const t of instants(facts.map((fact) => fact.t))) {
    const [starts, ends] = [start, end].map(
      (kind) => facts.filter((fact) => fact.t === t && kind.test(fact.type)).length,
    );
    if (open === null && starts > ends) open = t;
    else if (open === null) held += ends - starts;
    else if (ends > 0) {
      intervals.push({ start: open, end: t });
      open = starts >= ends ? t : null;
      held += Math.max(0, ends - 1 - starts);
    }
  }
  if (open !== null) intervals.push({ start: open, end: null });
  intervals.forEach((interval, i) => {
    const next = intervals[i + 1]?.start ?? Infinity;
    interval.seen = facts.filter((fact) => fact.t < next || (fact.t === next && end.test(fact.type)));
  });
  return held > 0 && open !== null ? intervals.slice(0, -1) : intervals;
}

function nodeIntervals(subject, facts) {
  const [, cluster, more] = subject.split('/');
  const told = (name) => (name === 'cluster' && more !== undefined && cluster !== '' ? cluster : undefined);
  return [...new Set(facts.map(lifeOf))].flatMap((life) => {
    const own = facts.filter((fact) => lifeOf(fact) === life);
    return walk(own, /allocated$/, /released$/).map(({ start, end, seen }) => {
      return { level: 'nodes', life, start, end, height: 1, field: (name) => said(seen, name) ?? told(name) };
    });
  });
}

/** The attempts of a job, lowest first; a failure that is not final implies that the next one was queued. */
function attemptsOf(events, removals) {
  const facts = events.filter((event) => !/progressed|removed/.test(event.type) && !guessed(event));
  const next = ({ data }) => ({ type: 'job.queued', data: { attempt: lifeOf({ type: '', data }) + 1 } });
  const retried = facts.filter(({ type, data }) => type === 'job.failed' && data.final === false);
  const all = inOrder([...facts, ...retried.map((fact) => ({ ...fact, ...next(fact) }))]);
  return instants(all.map(lifeOf)).map((a) => {
    const [own, higher] = [all.filter((fact) => lifeOf(fact) === a), all.filter((fact) => lifeOf(fact) > a)];
    const lower = instants(all.map(lifeOf)).filter((one) => one < a);
    const below = (name) =>
      /^(queue|user|nodes|cluster|clusterTemplate)$/.test(name)
        ? lower
            .map((one) => all.filter((fact) => lifeOf(fact) === one))
            .reduce((value, facts) => said(facts, name) ?? value, undefined)
        : undefined;
    const delay = time(said(own, 'delayUntil'), -Infinity);
    const running = walk(own, STARTED, TERMINAL);
    const attempt = { life: String(a), own, higher, below, delay, running, givenUp: -Infinity };
    const tail = running.at(-1);
    if (tail?.end === null) {
      const shown = higher.filter(({ type }) => !/blocked|requeued/.test(type));
      const overtaken = Math.max(tail.start, least(shown));
      const silent = silenceOf(
        events.filter((event) => lifeOf(event) === a),
        tail.start,
      );
      const estimate = Math.min(overtaken, silent);
      const later = removals.filter((removal) => removal.t >= tail.start);
      const real = removals.length > 0 && later.length === 0 ? tail.start : least(later);
      Object.assign(tail, { estimated: estimate < real, end: Math.min(estimate, real) });
      if (silent < overtaken && silent < real) attempt.givenUp = silent;
      if (tail.end === Infinity) tail.end = null;
    }
    return { ...attempt, field: (name) => said(own, name) ?? below(name) };
  });
}

/** When a run that began at `start` ended by the silence of its worker; Infinity if something shows that it went on. */
function silenceOf(events, start) {
  const end = greatest(events.filter(guessed));
  const heard = greatest(events.filter(({ type }) => /progressed|started/.test(type)));
  return end >= start && heard <= end ? end : Infinity;
}

/** What still counts at an instant of the facts up to then: of an attempt that was given up, what came later. */
const standingAt = ({ own, givenUp }, t) =>
  own.filter((fact) => fact.t <= t && (t < givenUp || fact.t > givenUp));

const statusOf = (facts) => {
  const rank = ({ type }) => STATUS.indexOf(type);
  const told = facts.filter((fact) => rank(fact) >= 0);
  return inOrder(told, rank).at(-1)?.type;
};

function jobIntervals(attempt, removals) {
  const { life, running, below, field } = attempt;
  const held = running.map((run) => ({ ...run, life, field: (name) => said(run.seen, name) ?? below(name) }));
  return [
    ...held.map((run) => ({ ...run, level: 'running', height: 1 })),
    ...held.map((run) => ({ ...run, level: 'nodes', height: run.field('nodes') ?? 0 })),
    ...waitsOf(attempt, removals).map((wait) => ({ ...wait, level: 'waiting', life, height: 1, field })),
  ];
}

/** The spans at which an attempt waits; whether it does changes only where something happens. */
function waitsOf(attempt, removals) {
  const { own, running, higher, delay } = attempt;
  const over = least([...higher, ...removals]);
  const edges = running.flatMap(({ start, end }) => [start, end]);
  const waits = [];
  for (const t of instants([...own.map((fact) => fact.t), ...edges, delay, over])) {
    const told = standingAt(attempt, t);
    const runs = running.some(({ start, end }) => start <= t && (end === null || t < end));
    const status = statusOf(told);
    const waiting = status === undefined ? has(told, QUEUED) : /unblocked|requeued/.test(status);
    const open = waits.at(-1)?.end === null;
    const ended = own.some((fact) => fact.t <= t && TERMINAL.test(fact.type));
    if (waiting && t >= delay && t < over && !runs && !ended) {
      if (!open) waits.push({ start: t, end: null });
    } else if (open) waits.at(-1).end = t;
  }
  return waits;
}

/** What a job is counted as in the depth of its queue at an instant. */
function standingOf(top, removals, at) {
  if (top === undefined || removals.length > 0) return [];
  const { life, own, running, delay, field } = top;
  const interval = { start: null, end: null, from: null, to: null, life, height: 1, amount: 1n, field };
  const told = standingAt(top, Infinity);
  const status = statusOf(told);
  if (running.some(({ end }) => end === null)) return [{ ...interval, column: 'in_progress' }];
  if (has(own, TERMINAL)) return [];
  if (status === 'job.blocked') return [{ ...interval, column: 'blocked' }];
  if (status === 'job.assigned') return [{ ...interval, column: 'in_progress' }];
  if (status === undefined && !has(told, QUEUED)) return [];
  const queued = own.filter(({ type }) => type === 'job.queued');
  const begun = queued.length > 0 ? queued : own.filter(({ type }) => /unblocked|requeued/.test(type));
  const since = Math.max(least(begun), delay);
  return since === Infinity
    ? []
    : [{ ...interval, start: since, from: since, column: since <= at ? 'queued' : 'delayed' }];
}

/** Everything the events of one entity add to the number. */
function recompute({ measure, start, end, at, filters }, tenant, entity, events) {
  const facts = inOrder(events);
  const removals = facts.filter(({ type }) => type === 'job.removed');
  const attempts = entity.startsWith('job/') ? attemptsOf(facts, removals) : [];
  const counted = INTEGRALS[measure] === undefined;
  const [from, to] = counted ? [time(at), time(at)] : [time(start, -Infinity), time(end)];
  const cut = (one) => {
    const part = counted ? [from, to] : [Math.max(one.start, from), Math.min(one.end ?? to, to)];
    const there = one.start <= from && (one.end === null || from < one.end);
    const length = counted ? Number(there) : Math.max(0, part[1] - part[0]);
    return { ...one, from: part[0], to: part[1], amount: BigInt(one.height) * BigInt(length) };
  };
  const levels =
    attempts.length > 0
      ? attempts.flatMap((one) => jobIntervals(one, removals))
      : nodeIntervals(entity, facts);
  const found = STANDINGS.includes(measure)
    ? standingOf(attempts.at(-1), removals, time(at)).filter(({ column }) => column === measure)
    : levels.filter(({ level }) => level === (INTEGRALS[measure] ?? measure)).map(cut);
  const passes =
    (field) =>
    ([name, value]) => {
      if (name === 'tenant') return tenant === value;
      if (name === 'service') return (field('services') ?? []).includes(value);
      const none = name === 'queue' && STANDINGS.includes(measure) ? '' : undefined;
      return (field(FIELDS[name] ?? name) ?? none) === value;
    };
  return found.filter(({ amount, field }) => amount > 0n && Object.entries(filters).every(passes(field)));
}

/** Each append hashes to its digest, follows from the one right before it, and every event is in one. */
function checkBatches(batches, hashes, head, differ) {
  const own = [...hashes].sort(([a], [b]) => (a < b ? -1 : 1));
  let [next, after, link] = [0, 0n, '00'.repeat(32)];
  const unproven = (before) => {
    for (; next < own.length && own[next][0] < before; next += 1)
      differ(`position ${own[next][0]}: belongs to no append`);
  };
  for (const { first, last, leaves, events, previous, digest } of batches) {
    const where = `append ${first} to ${last}`;
    if (BigInt(first) <= after) differ(`${where}: is not in its place`);
    if (BigInt(first) === after + 1n && previous !== link) differ(`${where}: does not follow`);
    [after, link] = [BigInt(last), digest];
    unproven(BigInt(first));
    const all = leaves.map(([position, hash]) => [BigInt(position), Buffer.from(hash, 'hex')]);
    for (; next < own.length && own[next][0] <= after; next += 1) all.push(own[next]);
    if (all.length !== events) differ(`${where}: ${all.length} of its ${events} events are accounted for`);
    const chain = createHash('sha256').update(previous, 'hex');
    all.sort(([a], [b]) => (a < b ? -1 : 1));
    if (String(all[0]?.[0]) !== first || String(all.at(-1)?.[0]) !== last)
      differ(`${where}: begins or ends elsewhere`);
    for (const [position, hash] of all) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(position);
      chain.update(bytes).update(hash);
    }
    if (chain.digest('hex') !== digest) differ(`${where}: its events do not hash to its digest`);
  }
  unproven(after + (1n << 62n));
  const at = BigInt(head.position);
  if (at < after || (at === after && head.digest !== link)) differ('the head is not that of these appends');
}

/** The intervals that follow from the events, as the file writes them. */
function intervalsOf(question, entities, differ) {
  return [...entities].flatMap(([key, events]) => {
    const [tenant, entity] = JSON.parse(key);
    const items = recompute(question, tenant, entity, events);
    if (items.length === 0) differ(`${entity}: its events add nothing to the number`);
    return items.map(({ life, start, end, from, to, height, estimated = false, amount }) => {
      const times = { start: iso(start), end: iso(end), from: iso(from), to: iso(to) };
      return canonical({ tenant, entity, life, ...times, height, estimated, amount: String(amount) });
    });
  });
}

/** The whole check, of parsed lines. @throws Error if they are no export. */
function check([question, ...rest]) {
  const counted = ['nodes', 'running', ...STANDINGS];
  if (question?.['quipu-why'] !== 1) throw new Error('this is no exported number in format 1');
  if (![...Object.keys(INTEGRALS), ...counted].includes(question.measure))
    throw new Error(`the measure ${question.measure} is unknown`);
  const of = (kind) => rest.filter((line) => line[kind] !== undefined);
  const differences = [];
  const differ = (what) => differences.push(what);
  const end = { head: { position: question.position }, ...rest.at(-1)?.end };
  if (of('end').length !== 1 || end.head.digest === undefined)
    differ('the file is cut off: its end line is missing');
  if (['interval', 'event', 'batch', 'end'].reduce((sum, kind) => sum + of(kind).length, 0) !== rest.length)
    differ('there are lines that no export has');
  const upTo = BigInt(question.position);
  if (upTo > BigInt(end.head.position)) differ('the question stands behind the head');
  if (!(time(question.end ?? question.at) <= time(question.asOf))) differ('the window ends after asOf');
  const [hashes, entities] = [new Map(), new Map()];
  for (const { position, event } of of('event')) {
    const known = event.dataversion >= 1 && event.dataversion <= (VERSIONS[event.type] ?? 1);
    if (!/^(job|node)\./.test(event.type) || !known)
      throw new Error(`position ${position}: version ${event.dataversion} of ${event.type} is unknown`);
    if (hashes.has(BigInt(position))) differ(`position ${position}: is there twice`);
    if (BigInt(position) > upTo) differ(`position ${position}: is behind ${upTo}, where the question stands`);
    hashes.set(BigInt(position), sha(canonical(event)));
    const key = JSON.stringify([event.tenant, event.subject]);
    entities.set(key, [...(entities.get(key) ?? []), { ...event, t: time(event.time) }]);
  }
  const found = intervalsOf(question, entities, differ);
  const listed = of('interval').map(({ interval }) => canonical(interval));
  const told = (key) =>
    (({ entity, from, to, amount }) => `interval ${entity} from ${from} to ${to}: ${amount}`)(
      JSON.parse(key),
    );
  const [follows, known] = [new Set(found), new Set()];
  for (const key of listed) {
    if (known.has(key)) differ(`${told(key)} is listed twice`);
    if (!follows.has(key)) differ(`${told(key)} does not follow from the events`);
    known.add(key);
  }
  for (const key of found) if (!known.has(key)) differ(`${told(key)} is not listed`);
  const batches = of('batch').map(({ batch }) => batch);
  checkBatches(batches, hashes, end.head, differ);
  const total = found.reduce((sum, key) => sum + BigInt(JSON.parse(key).amount), 0n);
  const held = { entities: entities.size, intervals: listed.length, events: hashes.size };
  for (const [name, value] of Object.entries({ total: String(total), ...held, batches: batches.length }))
    if (end[name] !== value) differ(`the file says ${name} ${end[name]}, it holds ${value}`);
  const decimal = () =>
    String(total)
      .padStart(4, '0')
      .replace(/(?=\d{3}$)/, '.')
      .replace(/\.?0+$/, '');
  const number = counted.includes(question.measure) ? String(total) : decimal();
  const { measure } = question;
  return { measure, number, ...held, appends: batches.length, head: end.head, differences };
}

function print({ measure, number, entities, intervals, events, appends, head, differences }) {
  const more = differences.length > 20 ? [`and ${differences.length - 20} more`] : [];
  const verdict =
    differences.length === 0 ? 'The number follows from the events.' : `${differences.length} differences.`;
  return [
    ...[...differences.slice(0, 20), ...more].map((what) => `DIFFERS  ${what}`),
    `${measure} = ${number}, from ${events} events of ${entities} entities, ${intervals} intervals`,
    `${appends} appends checked, head of the log ${head?.digest ?? 'unknown'}`,
    verdict,
  ].join('\n');
}

const files = process.argv.slice(2).filter((arg) => arg === '-' || !arg.startsWith('-'));
const options = process.argv.slice(2).filter((arg) => !files.includes(arg));
const lines = [];
try {
  if (options.some((option) => option === '--help' || option === '-h')) process.stdout.write(HELP);
  else if (files.length !== 1 || options.some((option) => option !== '--json')) {
    process.stderr.write(`check: one FILE, and no option but --json\n\n${HELP}`);
    process.exitCode = 2;
  } else {
    const input = files[0] === '-' ? process.stdin : createReadStream(files[0]);
    for await (const line of createInterface({ input, crlfDelay: Infinity }))
      if (line !== '') lines.push(JSON.parse(line));
    const result = check(lines);
    process.stdout.write(`${options.includes('--json') ? JSON.stringify(result) : print(result)}\n`);
    process.exitCode = result.differences.length === 0 ? 0 : 3;
  }
} catch (error) {
  // An export that cannot be followed to its end has failed the check; what is no export, or cannot be read, was not checked.
  const failed = lines[0]?.['quipu-why'] === 1 && error.syscall === undefined;
  const what = failed ? `${error.message} (${lines.length} lines could be read)` : error.message;
  if (failed && options.includes('--json'))
    process.stdout.write(`${JSON.stringify({ differences: [what] })}\n`);
  else process.stderr.write(`${failed ? 'DIFFERS ' : 'check:'} ${what}\n`);
  process.exitCode = failed ? 3 : 1;
}
