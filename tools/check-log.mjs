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

const HELP = `Usage: node check-log.mjs [options] FILE...

Recomputes the digest chain of a copy of the log and says which batches differ.
FILE is what "quipu verify --export FILE" wrote, plain or gzipped; "-" reads standard input. Or an archive of
"quipu archive", or several that follow each other, in their order: an append that a cut goes through is only checked
with the archives on both sides of it.

Options:
  --anchor HEX   a digest noted earlier (as printed by this program): the copy must still hold it.
                 Only this tells that the newest batches were cut off together with their digests.
  --json         print the result as JSON
  --help         print this

Exit codes: 0 the copy is intact, 1 it could not be read, 2 wrong usage, 3 it differs.

Example:
  quipu verify --export log.ndjson && node tools/check-log.mjs log.ndjson
  node tools/check-log.mjs .quipu/archive/log-*.ndjson.gz
`;

const MAX_PRINTED = 20;
const ZEROS = '00'.repeat(32);

class UsageError extends Error {}

function parseArguments(argv) {
  const options = { anchor: null, json: false, files: [] };
  for (let i = 0; i < argv.length; i += 1) {
    const arg = argv[i];
    if (arg === '--help' || arg === '-h') return null;
    else if (arg === '--json') options.json = true;
    else if (arg === '--anchor') {
      options.anchor = (argv[(i += 1)] ?? '').toLowerCase();
      if (!/^[0-9a-f]{64}$/.test(options.anchor))
        throw new UsageError('--anchor needs 64 hexadecimal digits');
    } else if (arg.startsWith('-') && arg !== '-') throw new UsageError(`unknown option ${arg}`);
    else options.files.push(arg);
  }
  if (options.files.length === 0) throw new UsageError('FILE is missing');
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
    // The positions of the archive that is read; null for a whole copy.
    this.cut = null;
    this.first = null;
    this.result = { batches: 0, events: 0, head: ZEROS, differences: [] };
  }

  differ(first, last, what) {
    this.result.differences.push({ first, last, what });
  }

  take(line) {
    if (!this.started) {
      if (line['quipu-log'] !== 1) throw new Error('this is no copy of a log in format 1');
      this.begin(line.archive ?? null);
    } else if (this.end !== null) this.differ(null, null, 'there are lines after the end of the copy');
    else if (line.batch) this.open(line.batch);
    else if (line.event) this.add(line.position, line.event);
    else if (line.end) this.end = line.end;
    else throw new Error('unknown kind of line');
  }

  /** The first line of a file. */
  begin(archive) {
    this.started = true;
    if (this.first === null) {
      this.first = archive ?? { first: '0' };
      this.head = archive?.previous ?? ZEROS;
    } else if (archive === null || this.cut === null) {
      throw new Error('only archives can follow each other');
    } else if (archive.first !== this.cut.end) {
      this.differ(this.cut.end, archive.first, 'is missing: these archives do not follow each other');
    }
    this.cut = archive;
  }

  /** The end of a file. */
  endFile() {
    if (!this.started) throw new Error('this is no copy of a log in format 1');
    // The rest of an append that the cut goes through is in the next archive.
    if (this.cut === null || this.batch === null || BigInt(this.batch.last) < BigInt(this.cut.end))
      this.close();
    if (this.end === null) this.differ(null, null, 'the copy is cut off: its end line is missing');
    else if (this.end.head !== this.head)
      this.differ(null, null, 'the last digest is not the one of the end line');
    this.started = false;
    this.end = null;
  }

  open(batch) {
    if (this.batch !== null && this.cut !== null && JSON.stringify(batch) === this.batch.line) return;
    this.close();
    this.result.batches += 1;
    this.batch = {
      ...batch,
      line: JSON.stringify(batch),
      seen: 0,
      after: null,
      hash: createHash('sha256').update(batch.previous, 'hex'),
    };
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
    this.batch = null;
    // Of the append at the beginning of the first archive, the first events are in an archive that is not here.
    if (BigInt(batch.first) < BigInt(this.first.first)) return;
    if (batch.seen !== batch.events) {
      this.differ(batch.first, batch.last, `holds ${batch.seen} events, ${batch.events} were appended`);
    } else if (batch.hash.digest('hex') !== batch.digest) {
      this.differ(batch.first, batch.last, 'its events do not hash to its digest');
    }
  }

  finish() {
    const { result } = this;
    result.head = this.head;
    // What a cut goes through can only be judged with what is behind the cut.
    result.begins =
      this.first.first === '0' ? null : { position: this.first.first, previous: this.first.previous };
    result.unjudged = this.batch === null ? null : { first: this.batch.first, last: this.batch.last };
    if (!this.anchored) this.differ(null, null, 'no batch has the digest of the anchor');
    return result;
  }
}

function print(result) {
  const { batches, events, head, begins, unjudged, differences } = result;
  for (const { first, last, what } of differences.slice(0, MAX_PRINTED)) {
    const place =
      first === null ? 'copy' : first === last ? `position ${first}` : `batch ${first} to ${last}`;
    process.stdout.write(`DIFFERS  ${place}: ${what}\n`);
  }
  if (differences.length > MAX_PRINTED) {
    process.stdout.write(`DIFFERS  and ${differences.length - MAX_PRINTED} more\n`);
  }
  if (begins !== null) {
    process.stdout.write(`It begins at position ${begins.position}, after the digest ${begins.previous}.\n`);
  }
  if (unjudged !== null) {
    process.stdout.write(
      `The append at ${unjudged.first} to ${unjudged.last} goes on behind the cut; it was not checked.\n`,
    );
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
  for (const file of options.files) {
    let number = 0;
    for await (const text of linesOf(file)) {
      number += 1;
      if (text === '') continue;
      try {
        check.take(JSON.parse(text));
      } catch (error) {
        const where = options.files.length > 1 ? `${file}, line` : 'line';
        throw new Error(`${where} ${number}: ${error.message}`, { cause: error });
      }
    }
    check.endFile();
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
