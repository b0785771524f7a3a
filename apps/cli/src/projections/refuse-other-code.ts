import { LEDGER_PROJECTION } from '@quipu/ledger';
import { listGenerations } from '@quipu/projection-engine';
import { type Pool } from 'pg';
import { CommandFailedError } from '../support/exit-codes.js';
import { codeFit } from './read-projections.js';

/**
 * Refuses work that would put out of work a projector that runs at this moment: tables of this program's code make a
 * runner of other code stand still, since going on would subtract what was never added. Nothing would be wrong, but
 * the numbers would stop.
 * @throws CommandFailedError when a runner of other code is elected and `force` is not set.
 */
export async function refuseOtherCode(pool: Pool, force: boolean): Promise<void> {
  if (force) return;
  const live = (await listGenerations(pool, LEDGER_PROJECTION)).find(({ status }) => status === 'live');
  if (live === undefined || live.leader === null || codeFit(live.codeHash) === 'same') return;
  const where = live.leader.address === null ? '' : ` from ${live.leader.address}`;
  throw new CommandFailedError(
    `A projector of other code is at work${where} (code ${live.codeHash.slice(0, 12)}); it would stand still afterwards.`,
    { hint: 'Stop it first and start the one of this version afterwards, or add --force and do that soon.' },
  );
}
