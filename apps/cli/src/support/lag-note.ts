import { EventLog } from '@quipu/event-log';
import { type Pool } from 'pg';
import { plural } from './numbers.js';

/** What to say under a number when the ledger has not taken in the whole log yet; undefined when it has. */
export async function lagNote(pool: Pool, position: bigint): Promise<string | undefined> {
  const behind = await new EventLog(pool).countAfter(position);
  if (behind === 0n) return undefined;
  return `${plural(behind, 'event')} in the log ${behind === 1n ? 'is' : 'are'} not counted yet (\`./quipu status\`).`;
}
