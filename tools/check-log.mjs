#!/usr/bin/env node
/**
 * Checks a copy of the log against its digest chain. Depends on Node alone and shares no code with the
 * program that wrote the copy: what the chain means is said here a second time, from its description.
 *
 *   digest of a batch = SHA-256 of: the digest of the batch before it (32 bytes, zeros for the first),
 *     then per event, by position: the position (8 bytes, big-endian), SHA-256 of the event's canonical JSON.
 *   canonical JSON (RFC 8785) = no white space, members sorted by the UTF-16 units of their names.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

const HELP = `Usage: node check-log.mjs [options] FILE

Recomputes the digest chain of a copy of the log and says which batches differ.
FILE is what "quipu verify --export FILE" wrote, plain or gzipped; "-" reads standard input.

Options:
  --anchor HEX   a digest noted earlier (as printed by this program): the copy must still hold it.
                 Only this tells that the newest batches were cut off together with their digests.
  --json         print the result as JSON
  --help         print this

Exit codes: 0 the copy is intact, 1 it could not be read, 2 wrong usage, 3 it differs.

Example:
  quipu verify --export log.ndjson && node tools/check-log.mjs log.ndjson
`;

const MAX_PRINTED = 20;
const ZEROS = '00'.repeat(32);

class UsageError extends Error {}

function parseArguments(argv) {
  const options = { anchor: null, json: false, file: null };
  for (let i = 0; i < argv.length; i += 1) {
    const arg = argv[i];
    if (arg === '--help' || arg === '-h') return null;
    else if (arg === '--json') options.json = true;
    else if (arg === '--anchor') {
      options.anchor = (argv[(i += 1)] ?? '').toLowerCase();
      if (!/^[0-9a-f]{64}$/.test(options.anchor))
        throw new UsageError('--anchor needs 64 hexadecimal digits');
    } else if (arg.startsWith('-') && arg !== '-') throw new UsageError(`unknown option ${arg}`);
    else if (options.file !== null) throw new UsageError('one FILE only');
    else options.file = arg;
  }
  if (options.file === null) throw new UsageError('FILE is missing');
  return options;
}

/** Canonical JSON of a parsed value. */
function canonical(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

function eventHash(event) {
  return createHash('sha256').update(canonical(event), 'utf8').digest();
}

function positionBytes(position) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(position));
  return bytes;
}

/** The lines of a file or of standard input, unpacked if they are gzipped. */
async function* linesOf(file) {
  const source = file === '-' ? process.stdin : createReadStream(file);
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  async function* all() {
    if (!first.done) yield first.value;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  }
  const plain = Readable.from(all(), { objectMode: false });
  const zipped = !first.done && first.value[0] === 0x1f && first.value[1] === 0x8b;
  const input = zipped ? plain.pipe(createGunzip()) : plain;
  // Errors of a piped source reach nobody else: without this a torn file would look like a short one.
  plain.on('error', (error) => input.destroy(error));
  yield* createInterface({ input, crlfDelay: Infinity });
}

/** The check itself: feed it line by line, then ask for the result. */
class ChainCheck {
  constructor(anchor) {
    this.anchor = anchor;
    this.anchored = anchor === null || anchor === ZEROS;
    this.batch = null;
    this.head = ZEROS;
    this.started = false;
    this.end = null;
    this.result = { batches: 0, events: 0, head: ZEROS, differences: [] };
  }

  differ(first, last, what) {
    this.result.differences.push({ first, last, what });
  }

  take(line) {
    if (!this.started) {
      if (line['quipu-log'] !== 1) throw new Error('this is no copy of a log in format 1');
      this.started = true;
    } else if (this.end !== null) this.differ(null, null, 'there are lines after the end of the copy');
    else if (line.batch) this.open(line.batch);
    else if (line.event) this.add(line.position, line.event);
    else if (line.end) this.end = line.end;
    else throw new Error('unknown kind of line');
  }

  open(batch) {
    this.close();
    this.result.batches += 1;
    this.batch = { ...batch, seen: 0, after: null, hash: createHash('sha256').update(batch.previous, 'hex') };
    if (batch.previous !== this.head)
      this.differ(batch.first, batch.last, 'does not follow from the batch before it');
    this.head = batch.digest;
    if (batch.digest === this.anchor) this.anchored = true;
  }

  add(position, event) {
    this.result.events += 1;
    const { batch } = this;
    const at = BigInt(position);
    if (batch === null || at < BigInt(batch.first) || at > BigInt(batch.last)) {
      this.differ(position, position, 'belongs to no batch');
      return;
    }
    if (batch.after !== null && at <= batch.after) this.differ(position, position, 'is not in its place');
    batch.after = at;
    batch.seen += 1;
    batch.hash.update(positionBytes(position)).update(eventHash(event));
  }

  close() {
    const { batch } = this;
    if (batch === null) return;
    if (batch.seen !== batch.events) {
      this.differ(batch.first, batch.last, `holds ${batch.seen} events, ${batch.events} were appended`);
    } else if (batch.hash.digest('hex') !== batch.digest) {
      this.differ(batch.first, batch.last, 'its events do not hash to its digest');
    }
    this.batch = null;
  }

  finish() {
    if (!this.started) throw new Error('this is no copy of a log in format 1');
    this.close();
    const { result } = this;
    result.head = this.head;
    if (this.end === null) this.differ(null, null, 'the copy is cut off: its end line is missing');
    else if (this.end.head !== this.head)
      this.differ(null, null, 'the last digest is not the one of the end line');
    if (!this.anchored) this.differ(null, null, 'no batch has the digest of the anchor');
    return result;
  }
}

function print(result) {
  const { batches, events, head, differences } = result;
  for (const { first, last, what } of differences.slice(0, MAX_PRINTED)) {
    const place =
      first === null ? 'copy' : first === last ? `position ${first}` : `batch ${first} to ${last}`;
    process.stdout.write(`DIFFERS  ${place}: ${what}\n`);
  }
  if (differences.length > MAX_PRINTED) {
    process.stdout.write(`DIFFERS  and ${differences.length - MAX_PRINTED} more\n`);
  }
  const verdict = differences.length === 0 ? 'The chain holds.' : `${differences.length} differences.`;
  process.stdout.write(`${events} events in ${batches} batches, head ${head}\n${verdict}\n`);
}

async function main(argv) {
  const options = parseArguments(argv);
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const check = new ChainCheck(options.anchor);
  let number = 0;
  for await (const text of linesOf(options.file)) {
    number += 1;
    if (text === '') continue;
    try {
      check.take(JSON.parse(text));
    } catch (error) {
      throw new Error(`line ${number}: ${error.message}`, { cause: error });
    }
  }
  const result = check.finish();
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else print(result);
  return result.differences.length === 0 ? 0 : 3;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(`check-log: ${error.message}\n${usage ? '\nTry --help.\n' : ''}`);
  process.exitCode = usage ? 2 : 1;
}
