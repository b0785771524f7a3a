import { Command, Option } from 'commander';
import { REFUSALS } from '@quipu/contracts';
import { UsageError } from '@quipu/platform';
import {
  correctedEvents,
  type LetterOutcome,
  mendLetter,
  openLetters,
  replayLetter,
  resendContext,
} from '../dead-letters/close-letters.js';
import {
  closeLetter,
  LETTER_STATUSES,
  type LetterFilter,
  type LetterStatus,
  listLetters,
  readLetter,
  readOpenLetter,
} from '../dead-letters/letters.js';
import {
  printLetter,
  printLetterJson,
  printLetters,
  printLettersJson,
} from '../dead-letters/print-letters.js';
import { type Cli } from '../support/cli.js';
import { CommandFailedError } from '../support/exit-codes.js';
import { plural } from '../support/numbers.js';
import { withServices } from '../support/services.js';
import { printJson, printLine } from '../support/terminal.js';
import { parseTime, TIME_FORMS } from '../support/times.js';

const HELP = `
What could not become an event is kept with its bytes and the reason. A letter is open until somebody mends it (a
corrected event is in the log), replays it (the event as it came is) or discards it; each leaves an audit row. Events go
through the queue, as any other, and a letter is closed only when the log was seen to hold them: killed in between,
the same command again finishes the work. Exit codes: 0 done, 1 some letter could not be closed, 2 wrong usage.

Examples:
  $ ./quipu dead-letters
  $ ./quipu dead-letters show 17
  $ ./quipu dead-letters mend 17 --set data.attempt=2 --unset data.worker
  $ ./quipu dead-letters replay --all --reason unknown-tenant
  $ ./quipu dead-letters discard 17 18 --reason "a load test that went astray"
`;

const LIST_HELP = `
A TIME is ${TIME_FORMS}.

Examples:
  $ ./quipu dead-letters list --reason too-old --tenant acme
  $ ./quipu dead-letters list --status all --since -7d --limit 1000 --json
`;

const SHOW_HELP = `
Characters that would act on a terminal are escaped, what is no text is dumped; --raw writes the very bytes.

Examples:
  $ ./quipu dead-letters show 17
  $ ./quipu dead-letters show 17 --raw > event.json
`;

const MEND_HELP = `
A path is dotted (data.queue) or a JSON pointer (/data/labels/a.b); a value is JSON where it is valid JSON, else text.
A file holds one event, or an array of the events that take the place of a whole job.

Examples:
  $ ./quipu dead-letters mend 17 --set tenant=acme --set data.nodes=4
  $ ./quipu dead-letters mend 17 --event corrected.json --import
`;

const REPLAY_HELP = `
For what is right by now: the tenant was created, the clock has caught up, the catalogue knows the type. With --import
events may be of any age.

Examples:
  $ ./quipu dead-letters replay 17 18
  $ ./quipu dead-letters replay --all --reason too-old --import
`;

const DISCARD_HELP = `
Examples:
  $ ./quipu dead-letters discard 17 18 --reason "a load test that went astray"
`;

interface ListOptions {
  readonly status: LetterStatus | 'all';
  readonly reason?: string;
  readonly tenant?: string;
  readonly since?: string;
  readonly limit: string;
  readonly before?: string;
  readonly json?: boolean;
}

interface MendOptions {
  readonly event?: string;
  readonly set: string[];
  readonly unset: string[];
  readonly import?: boolean;
  readonly json?: boolean;
}

interface ReplayOptions {
  readonly all?: boolean;
  readonly reason?: string;
  readonly tenant?: string;
  readonly import?: boolean;
  readonly json?: boolean;
}

const MOST_LISTED = 1_000;
const reasonOption = (): Option =>
  new Option('--reason <reason>', 'only those refused for this reason').choices(Object.keys(REFUSALS));
const collect = (value: string, all: string[]): string[] => [...all, value];

/** `dead-letters`: what could not become an event, and what to do about it. */
export function deadLettersCommand(cli: Cli): Command {
  const command = new Command('dead-letters')
    .description('events that were refused: look at them, mend, replay or discard them')
    .addHelpText('after', HELP);
  command
    .command('list', { isDefault: true })
    .description('letters, newest first')
    .addOption(
      new Option('--status <status>', 'in which state').choices([...LETTER_STATUSES, 'all']).default('open'),
    )
    .addOption(reasonOption())
    .option('--tenant <tenant>', 'only those of this tenant id')
    .option('--since <time>', 'only those seen since')
    .option('--limit <n>', `how many, at most ${MOST_LISTED}`, '100')
    .option('--before <id>', 'the page below this id')
    .option('--json', 'print JSON')
    .addHelpText('after', LIST_HELP)
    .action((options: ListOptions) => list(cli, options));
  command
    .command('show')
    .description('one letter: why it was refused, and what it holds')
    .argument('<id>', 'its id, as the list shows it')
    .option('--raw', 'write only the bytes as they came')
    .option('--json', 'print JSON')
    .addHelpText('after', SHOW_HELP)
    .action((id: string, options: { raw?: boolean; json?: boolean }) => show(cli, id, options));
  command
    .command('mend')
    .description('send a corrected event in the place of a letter')
    .argument('<id>', 'its id, as the list shows it')
    .option('--event <file>', 'the corrected event, a CloudEvent as JSON')
    .option('--set <path=value>', 'change the event in the letter; may be given several times', collect, [])
    .option('--unset <path>', 'take something out of the event in the letter', collect, [])
    .option('--import', 'the event may be of any age')
    .option('--json', 'print JSON')
    .addHelpText('after', MEND_HELP)
    .action((id: string, options: MendOptions) => mend(cli, id, options));
  command
    .command('replay')
    .description('send what letters hold again, as it came')
    .argument('[ids...]', 'their ids, as the list shows them')
    .option('--all', 'every open letter, as --reason and --tenant narrow it')
    .addOption(reasonOption())
    .option('--tenant <tenant>', 'only those of this tenant id')
    .option('--import', 'events may be of any age')
    .option('--json', 'print JSON')
    .addHelpText('after', REPLAY_HELP)
    .action((ids: string[], options: ReplayOptions) => replay(cli, ids, options));
  command
    .command('discard')
    .description('close letters that nobody wants; their bytes are kept')
    .argument('<ids...>', 'their ids, as the list shows them')
    .requiredOption('--reason <text>', 'why; kept in the audit')
    .option('--json', 'print JSON')
    .addHelpText('after', DISCARD_HELP)
    .action((ids: string[], options: { reason: string; json?: boolean }) => discard(cli, ids, options));
  return command;
}

async function list(cli: Cli, options: ListOptions): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LISTED) {
    throw new UsageError(`--limit takes a number from 1 to ${MOST_LISTED}.`);
  }
  const { status, reason, tenant, since, before } = options;
  const filter: LetterFilter = {
    limit,
    ...(status === 'all' ? {} : { status }),
    ...(reason === undefined ? {} : { reason }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(since === undefined ? {} : { sinceMs: parseTime(since, cli.clock.now()) }),
    ...(before === undefined ? {} : { before: letterId(before) }),
  };
  // One more than asked for tells whether there is a next page.
  const found = await withServices(cli, ({ pool }) => listLetters(pool, { ...filter, limit: limit + 1 }));
  const letters = found.slice(0, limit);
  const next = found.length > limit ? letters.at(-1)!.id : null;
  if (options.json) printLettersJson(cli.terminal, letters, next);
  else printLetters(cli.terminal, letters, next);
}

async function show(cli: Cli, id: string, options: { raw?: boolean; json?: boolean }): Promise<void> {
  const letter = await withServices(cli, ({ pool }) => readLetter(pool, letterId(id)));
  if (options.raw) cli.terminal.out.write(letter.raw);
  else if (options.json) printLetterJson(cli.terminal, letter);
  else printLetter(cli.terminal, letter);
}

async function mend(cli: Cli, id: string, options: MendOptions): Promise<void> {
  const outcome = await withServices(cli, async (services) => {
    const letter = await readOpenLetter(services.pool, letterId(id));
    const events = await correctedEvents(letter, options.event, options);
    return mendLetter(resendContext(cli, services, options.import ?? false), letter, events);
  });
  tell(cli, [outcome], 'mended', options.json ?? false);
}

async function replay(cli: Cli, texts: string[], options: ReplayOptions): Promise<void> {
  const { reason, tenant } = options;
  if (texts.length > 0 === (options.all ?? false)) throw new UsageError('Name letters, or give --all.');
  if (texts.length > 0 && (reason ?? tenant) !== undefined) {
    throw new UsageError('--reason and --tenant go with --all.');
  }
  const ids = texts.map(letterId);
  const outcomes = await withServices(cli, async (services) => {
    const context = resendContext(cli, services, options.import ?? false);
    const done: LetterOutcome[] = [];
    if (options.all) {
      const filter = {
        ...(reason === undefined ? {} : { reason }),
        ...(tenant === undefined ? {} : { tenant }),
      };
      for await (const letter of openLetters(services, filter))
        done.push(await replayLetter(context, letter));
    } else {
      // All of them are looked up first: a wrong id is told before anything is sent.
      const letters = [];
      for (const id of ids) letters.push(await readOpenLetter(services.pool, id));
      for (const letter of letters) done.push(await replayLetter(context, letter));
    }
    return done;
  });
  tell(cli, outcomes, 'replayed', options.json ?? false);
}

async function discard(
  cli: Cli,
  texts: string[],
  options: { reason: string; json?: boolean },
): Promise<void> {
  const why = options.reason.trim();
  if (why === '' || why.includes('\0')) throw new UsageError('--reason must say why.');
  const ids = texts.map(letterId);
  const outcomes = await withServices(cli, async ({ pool }) => {
    const letters = [];
    for (const id of ids) letters.push(await readOpenLetter(pool, id));
    const done: LetterOutcome[] = [];
    for (const letter of letters) {
      const ok = await closeLetter(pool, letter, 'discarded', cli.clock.now(), { why });
      const id = String(letter.id);
      done.push(ok ? { id, ok, positions: [] } : { id, ok, why: 'somebody else has closed it' });
    }
    return done;
  });
  tell(cli, outcomes, 'discarded', options.json ?? false);
}

function tell(cli: Cli, outcomes: readonly LetterOutcome[], as: string, json: boolean): void {
  if (json) printJson(cli.terminal, outcomes);
  for (const outcome of json ? [] : outcomes) {
    const { id } = outcome;
    if (!outcome.ok) printLine(cli.terminal, `Letter ${id} stays open: ${outcome.why}`);
    else if (outcome.positions.length === 0) printLine(cli.terminal, `Letter ${id} is ${as}.`);
    else
      printLine(
        cli.terminal,
        `Letter ${id} is ${as}: in the log at position ${outcome.positions.join(', ')}.`,
      );
  }
  if (!json && outcomes.length === 0) printLine(cli.terminal, 'No such dead letters.');
  const left = outcomes.filter(({ ok }) => !ok).length;
  if (left === 0) return;
  throw new CommandFailedError(`${plural(left, 'letter')} could not be closed.`, {
    hint: 'Mend: ./quipu dead-letters mend <id> --set path=value; see ./quipu dead-letters show <id>.',
  });
}

function letterId(text: string): bigint {
  if (!/^[1-9][0-9]{0,17}$/.test(text)) throw new UsageError(`"${text}" is no id of a dead letter.`);
  return BigInt(text);
}
