import { parseQueuePayload } from '@quipu/contracts';
import { errorMessage, UsageError } from '@quipu/platform';
import { readFile } from 'node:fs/promises';
import { type Cli } from '../support/cli.js';
import { ensureProjector } from '../support/projector.js';
import { openQueue } from '../support/queue.js';
import { type Services } from '../support/services.js';
import { note } from '../support/terminal.js';
import { applyEdits, type Edits } from './edits.js';
import { closeLetter, type Letter, listLetters, readLetter } from './letters.js';
import { resend, type ResendContext, type ResendOutcome } from './resend.js';

/** What became of one letter. */
export type LetterOutcome = { readonly id: string } & ResendOutcome;

const DAY_MS = 86_400_000;
const PAGE = 500;

/** What a resending command needs: the queue is opened, and a projector found or started, when first asked for. */
export function resendContext(cli: Cli, services: Services, backfill: boolean): ResendContext {
  let open: ReturnType<ResendContext['queue']> | undefined;
  const openOnce = async (): ReturnType<ResendContext['queue']> => {
    const queue = await openQueue(services);
    const { broken } = await ensureProjector(cli, services, queue);
    return { queue, broken };
  };
  return {
    ...{ pool: services.pool, nowMs: cli.clock.now(), interrupted: cli.interrupted, backfill },
    onInterrupt: () =>
      note(cli.terminal, 'Interrupted. The event is on its way and the letter open: run the command again.'),
    maxAgeMs: services.config.maxEventAgeDays * DAY_MS,
    queue: () => (open ??= openOnce()),
  };
}

/** Sends what a letter holds again, as it came, and closes it once the log holds it. */
export async function replayLetter(context: ResendContext, letter: Letter): Promise<LetterOutcome> {
  const payload = parseQueuePayload(jsonOf(letter));
  if ('error' in payload) return { id: String(letter.id), ok: false, why: payload.error };
  return settle(context, letter, 'replayed', payload.events);
}

/** Sends corrected events in the place of a letter, and closes it once the log holds them. */
export async function mendLetter(
  context: ResendContext,
  letter: Letter,
  events: readonly unknown[],
): Promise<LetterOutcome> {
  return settle(context, letter, 'mended', events);
}

/** The corrected events: those of a file, or the letter's own with changes. */
export async function correctedEvents(
  letter: Letter,
  file: string | undefined,
  edits: Edits,
): Promise<readonly unknown[]> {
  const edited = edits.set.length + edits.unset.length > 0;
  if ((file === undefined) === !edited)
    throw new UsageError('Give the corrected event by --event, or changes by --set and --unset.');
  if (file === undefined) return [applyEdits(jsonOf(letter), edits)];
  const text = await readFile(file, 'utf8');
  try {
    const given: unknown = JSON.parse(text);
    return Array.isArray(given) ? (given as unknown[]) : [given];
  } catch (error) {
    throw new UsageError(`${file} holds no JSON: ${errorMessage(error)}`);
  }
}

/** Every open letter that the filter covers, oldest first, with its bytes; what somebody closes meanwhile is left out. */
export async function* openLetters(
  services: Services,
  filter: { reason?: string; tenant?: string },
): AsyncGenerator<Letter> {
  const ids: bigint[] = [];
  for (let before: bigint | undefined; ; before = ids.at(-1)) {
    const page = await listLetters(services.pool, {
      ...filter,
      ...{ status: 'open', limit: PAGE },
      ...(before === undefined ? {} : { before }),
    });
    ids.push(...page.map(({ id }) => id));
    if (page.length < PAGE) break;
  }
  for (const id of ids.reverse()) {
    const letter = await readLetter(services.pool, id);
    if (letter.status === 'open') yield letter;
  }
}

async function settle(
  context: ResendContext,
  letter: Letter,
  as: 'mended' | 'replayed',
  events: readonly unknown[],
): Promise<LetterOutcome> {
  const id = String(letter.id);
  const outcome = await resend(context, events);
  if (outcome.ok) {
    const { positions } = outcome;
    // The letter stays open up to here: a kill before this loses nothing, and a repetition finds the event in the log.
    await closeLetter(context.pool, letter, as, context.nowMs, { positions });
  }
  return { id, ...outcome };
}

function jsonOf(letter: Letter): unknown {
  try {
    const json: unknown = JSON.parse(letter.raw.toString('utf8'));
    // The log keeps what it refused itself in canonical form, which leaves out what every event says.
    const own = letter.reason === 'id-conflict' || letter.reason === 'refused-by-log';
    return own && typeof json === 'object' ? { specversion: '1.0', ...json } : json;
  } catch {
    // What is no JSON is told by whoever reads it as an event.
    return letter.raw.toString('latin1');
  }
}
