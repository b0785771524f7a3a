#!/usr/bin/env node
/**
 * Writes docs/events.md from the event catalogue, its fixtures and the words below.
 *
 *   node tools/generate-event-docs.mjs            write it (after a build)
 *   node tools/generate-event-docs.mjs --check    exit 1 if it is stale
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const DOCS = join(ROOT, 'docs', 'events.md');
const FIXTURES = join(ROOT, 'test', 'fixtures', 'events');

const GLOSSARY = {
  event: 'Something that happened, written down once and never changed. Its type is in the past tense.',
  entity: 'What events are about: a job, a node, a worker. Named by tenant and subject.',
  subject: 'Name of an entity within its tenant: `<kind>/<rest>`. No two entities ever share one.',
  stream: 'The events of one entity, in position order.',
  log: 'All accepted events, in position order, append-only. The only truth; all else can be computed from it.',
  position: 'Place of an event in the log. Rises in commit order; gaps mean nothing.',
  'identity, body':
    '`(tenant, source, id)` identifies an event for ever. Its body is everything else; a second body is refused.',
  occurred: 'An event’s `time`: when it happened, by the reporter’s clock. Every number is about this time.',
  recorded: 'When the log took the event, by the database’s clock. Only ages and delays are about this time.',
  backfill: 'Events about the past, sent on purpose: exempt from the age limit.',
  'dead letter': 'A refused event, kept with its raw bytes and the reason, for a person to mend or discard.',
  projection: 'Numbers kept up to date from the log. Can be thrown away and computed again.',
  checkpoint: 'Position up to which a projection has taken in the log; committed together with its numbers.',
  epoch: 'Random name of one unbroken history of a database; new after a restore or promotion.',
  fact: 'What an event says about its entity. Facts merge as a set: order and repetition change nothing.',
  'edge, interval':
    'A start or end is an edge; between a start and its end lies an interval, closed at its start and open at its end.',
  'life, attempt':
    'One run of edges. A node may be allocated and released many times: every life counts. A job’s lives are its attempts.',
  amount: 'An integer per series, summed over entities: jobs per state, workers per pool.',
  member:
    'An entry with a score in a sorted set: each waiting job is a member of its queue, scored by when it becomes due.',
  level:
    'A quantity that is up for a while: nodes held, jobs waiting, jobs running. Metered as changes `+d` and `−d`.',
  'usage, node-second': 'A level summed over time. One node held for one second is one node-second.',
  'usage key':
    'A tuple of dimensions under which level changes are summed: the whole tuple, all but the cluster, the tenant, the platform.',
  bucket: 'A quarter-hour, day or month of UTC that level changes are summed in.',
  tenant: 'Whose event it is. Entities never move between tenants.',
  'scope (of a reader)': 'What a principal may see: the platform, one tenant, or one user of a tenant.',
  'scope (in data)': 'A label some entities carry beside their tenant; the tenant if absent.',
  queued: 'A job that waits, is due, is not blocked and is held by nobody.',
  'delayed, blocked':
    'A job that waits for its time, or for something other than a worker. Counted apart from queued.',
  'in progress': 'A job that is assigned or started, and has not ended.',
};

const ENVELOPE = [
  ['`specversion`', 'yes', '`"1.0"`', 'Version of CloudEvents.'],
  ['`type`', 'yes', 'a type below', 'What happened.'],
  [
    '`tenant`',
    'see types',
    'letter or digit, then letters, digits and `._:@+-`; 1–128',
    'Whose event it is.',
  ],
  ['`source`', 'yes', 'text, 1–512', 'Who reports it.'],
  ['`id`', 'yes', 'text, 1–512', 'Unique within tenant and source. Sending it again changes nothing.'],
  [
    '`subject`',
    'yes',
    '`<kind>/<rest>`, at most 512',
    'The entity; kind is the part of the type before the dot.',
  ],
  [
    '`time`',
    'yes',
    'RFC 3339 with offset, years 0001–9999 UTC',
    'When it happened. Kept in ms; finer digits are cut off.',
  ],
  ['`dataversion`', 'no', 'integer; 1 if absent', 'Version of the data.'],
  ['`sequence`', 'no', 'text, 1–64', 'Orders events of one time, compared by UTF-16 code units.'],
  ['`datacontenttype`', 'no', '`application/json`', 'Nothing else is understood.'],
  ['`data`', 'no', 'object; `{}` if absent', 'What the type’s tables below say, and anything else.'],
];

const grouped = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(head, rows) {
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function json(value) {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
}

function fieldRows(fields, prefix = '') {
  return fields.flatMap((field) => {
    const about = field.required ? `**Required.** ${field.about}` : field.about;
    const inner = `${prefix}${field.name}${field.type.startsWith('list of objects') ? '[]' : ''}.`;
    return [
      [`\`${prefix}${field.name}\``, field.type, field.unit ?? '', about],
      ...fieldRows(field.fields ?? [], inner),
    ];
  });
}

/** Types of one kind that have the same fields share one table; those with more of them tell the others. */
function fieldTables(types) {
  const bySchema = new Map();
  for (const type of types) {
    const key = JSON.stringify(type.fields);
    bySchema.set(key, [...(bySchema.get(key) ?? []), type]);
  }
  const groups = [...bySchema.values()];
  const base = groups.reduce((most, group) => (group.length > most.length ? group : most));
  const shared = new Set(base[0].fields.map((field) => JSON.stringify(field)));
  return groups.map((group) => {
    const { fields } = group[0];
    const besides = group !== base && addsTo(fields, shared);
    const isAll =
      group === base &&
      types.length > 1 &&
      groups.every((some) => some === group || addsTo(some[0].fields, shared));
    const who = isAll ? 'all of them' : listOf(group);
    if (fields.length === 0) return `No fields: ${who}.`;
    const head = besides ? `Besides, fields of ${who}` : `Fields of ${who}`;
    return `${head}:\n\n${table(['field', 'value', 'unit', 'meaning'], fieldRows(besides ? fields.filter((field) => !shared.has(JSON.stringify(field))) : fields))}`;
  });
}

/** Whether fields are the shared ones, of which there are some, and others. */
function addsTo(fields, shared) {
  return (
    shared.size > 0 && fields.filter((field) => shared.has(JSON.stringify(field))).length === shared.size
  );
}

const listOf = (types) => types.map(({ type }) => `\`${type}\``).join(', ');

function kindSection(kind, types, fixtures) {
  const { subjectPrefix, defaultTenant } = types[0];
  const tenant = defaultTenant === undefined ? 'required' : `\`${defaultTenant}\` if absent`;
  const examples = types.map((type) => {
    const { subject, data } = fixtures.get(`${type.type}.v${type.version}`);
    return `\`${type.type}\`, version ${type.version}:\n\n${json({ subject, data })}`;
  });
  return [
    `### ${kind}`,
    `Subject: \`${subjectPrefix}…\`. Tenant: ${tenant}.`,
    table(
      ['type', 'version', 'says'],
      types.map(({ type, version, summary }) => [`\`${type}\``, version, summary]),
    ),
    ...fieldTables(types),
    '<details><summary>Examples</summary>',
    ...examples,
    '</details>',
  ].join('\n\n');
}

function limitsTable(limits) {
  return table(
    ['limit', 'value'],
    [
      ['one event, compact JSON of what is kept', `${grouped(limits.MAX_EVENT_BYTES)} bytes of UTF-8`],
      ['nesting; the event is level 1, its data level 2', limits.MAX_NESTING],
      ['numbers', 'within ±(2^53 − 1); −0 is read as 0'],
      ['strings and keys', 'well-formed UTF-16 without NUL; no key `__proto__`'],
      ['`time`, ahead of the receiving clock', `${limits.MAX_AHEAD_MS / 60_000} minutes`],
      ['`time`, age, unless backfill', '`QUIPU_MAX_EVENT_AGE_DAYS`, 400 days by default'],
      ['`id`, `source`, `subject`, subjects in data', `${limits.MAX_ATTRIBUTE_LENGTH} UTF-16 code units`],
      ['`tenant`', `${limits.MAX_TENANT_LENGTH} characters`],
      ['`sequence`', `${limits.MAX_SEQUENCE_LENGTH} UTF-16 code units`],
      ['names in data, values of labels', `${limits.MAX_NAME_LENGTH} UTF-16 code units; names not empty`],
      ['names of labels', `${limits.MAX_LABEL_LENGTH} UTF-16 code units`],
      ['texts in data', `${grouped(limits.MAX_TEXT_LENGTH)} UTF-16 code units`],
      ['labels, elements of a list of names', limits.MAX_LIST_LENGTH],
      ['files of one artifact event', grouped(limits.MAX_FILES)],
      ['nodes of one job', grouped(limits.MAX_NODES)],
      ['events in one queue job', limits.MAX_EVENTS_PER_JOB],
    ],
  );
}

/**
 * The page as Markdown, not yet formatted.
 *
 * @param contracts the module @quipu/contracts.
 * @param fixtures events by `<type>.v<version>`.
 */
export function renderEventDocs(contracts, fixtures) {
  const types = contracts.describeCatalogue();
  const kinds = groupByKind(types);
  const example = fixtures.get('job.queued.v1');
  return [
    '<!-- Generated from libs/contracts by tools/generate-event-docs.mjs: change those, not this page. -->',
    '# Events',
    'Everything Quipu knows, it knows from events. This page says what an event looks like, which there are, and why one is refused. What they add up to is in [semantics.md](semantics.md).',
    '## Words',
    table(
      ['word', 'meaning'],
      Object.entries(GLOSSARY).map(([word, meaning]) => [`**${word}**`, meaning]),
    ),
    '## An event',
    'An event is a [CloudEvent](https://cloudevents.io) 1.0 in structured JSON, with the extension attributes `tenant`, `dataversion` and `sequence`.',
    table(['attribute', 'required', 'value', 'meaning'], ENVELOPE),
    json(example),
    'An attribute that is null is absent. Attributes that are not in this table are dropped unread: they may change from hop to hop (trace ids do), and an event that is sent again must have the same body. `data_base64` is refused.',
    'Fields of the data that the catalogue does not know are kept as they came. Those it knows must have the type and range below. Moments within data are kept as `YYYY-MM-DDTHH:MM:SS.sssZ`.',
    'A job of the queue `' +
      contracts.LIFECYCLE_QUEUE +
      '` (BullMQ prefix `' +
      contracts.QUEUE_PREFIX +
      '`) carries one event, an array of events, or `{"events": [...], "import": true}`, where `import` marks a backfill.',
    '## Limits',
    limitsTable(contracts),
    '## Refusals',
    'A refused event never fails the events beside it. Over HTTP it is answered with its index and reason; from the queue it becomes a dead letter. The detail names the place and repeats at most 200 characters of the event.',
    table(
      ['reason', 'meaning'],
      Object.entries(contracts.REFUSALS).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
    ),
    '## Versions',
    'Each type has a version of its data. The log keeps an event in the version it was sent in; readers lift it step by step, `v(n) → v(n+1)`, by pure functions that are total for whatever was valid. Because unknown fields are kept, a field is added only together with a new version: events may carry its name already, with any value. `test/fixtures/events` holds one event of every version there ever was, and the hash of its canonical form (RFC 8785); neither changes.',
    '## Types',
    ...[...kinds].map(([kind, ofKind]) => kindSection(kind, ofKind, fixtures)),
    '',
  ].join('\n\n');
}

function groupByKind(types) {
  const kinds = new Map();
  for (const type of types) kinds.set(type.kind, [...(kinds.get(type.kind) ?? []), type]);
  return kinds;
}

/** All fixtures by `<type>.v<version>`. */
export async function readFixtures() {
  const files = (await readdir(FIXTURES)).filter((file) => /\.v\d+\.json$/.test(file));
  const read = async (file) => [
    file.replace(/\.json$/, ''),
    JSON.parse(await readFile(join(FIXTURES, file), 'utf8')),
  ];
  return new Map(await Promise.all(files.map(read)));
}

/** The page as it has to stand in docs/events.md. */
export async function generateEventDocs(contracts) {
  const prettier = await import('prettier');
  const options = await prettier.resolveConfig(DOCS);
  return prettier.format(renderEventDocs(contracts, await readFixtures()), { ...options, filepath: DOCS });
}

async function main(args) {
  const built = join(ROOT, 'dist', 'libs', 'contracts', 'src', 'index.js');
  const contracts = await import(pathToFileURL(args.find((arg) => !arg.startsWith('--')) ?? built).href);
  const page = await generateEventDocs(contracts);
  if (!args.includes('--check')) return writeFile(DOCS, page);
  if (page === (await readFile(DOCS, 'utf8'))) return undefined;
  process.stderr.write('docs/events.md is stale: run node tools/generate-event-docs.mjs\n');
  process.exitCode = 1;
  return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
