import { CodeMismatchError } from './errors.js';
import { type ProjectionHandler } from './handler.js';
import { ownProjection, vacuum, withMaintenanceClient } from './maintenance.js';

/** What {@link reseedInPlace} needs. */
export interface ReseedOptions {
  readonly databaseUrl: string;
  readonly handler: ProjectionHandler;
  /** Told now and then how many entities were summed. */
  readonly progress?: (entities: number) => void;
}

/**
 * Makes the sums again from the stored states, where the checkpoint stands, in one transaction: readers see the old
 * sums until it commits, a crash changes nothing. For a release that changed what entities contribute.
 * @returns the position the sums stand at.
 * @throws CodeMismatchError when the states themselves were folded by other code: only a rebuild helps.
 */
export async function reseedInPlace({ databaseUrl, handler, progress }: ReseedOptions): Promise<bigint> {
  return withMaintenanceClient(databaseUrl, async (client) => {
    let position = 0n;
    await ownProjection(client, handler, async (stored) => {
      if (stored.codeHash !== '' && !handler.canReseed(stored.codeHash)) {
        throw new CodeMismatchError(`The states of projection ${handler.name} were folded by other code.`, {
          hint: 'Rebuild the projection.',
        });
      }
      position = stored.position;
      await handler.reseed(client, progress ?? (() => undefined));
      return stored;
    });
    await vacuum(client, handler.tables);
    return position;
  });
}
