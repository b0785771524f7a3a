import type { PoolClient } from 'pg';
import type { ExpectedWriter } from './expected-writer.js';
import type { Part } from './naive/entity-fold.js';
import { Root } from './naive/folds.js';

const PAGE = 1_000;

/**
 * Folds what entities say about others, which the table `parts` holds once all of them are folded, one root
 * after the other, and hands the contributions to `writer`. Holds what is said about one root at a time.
 */
export async function foldParts(client: PoolClient, writer: ExpectedWriter): Promise<void> {
  // Held beyond its statement, the result lies in a file of the session: no snapshot stays open meanwhile.
  await client.query(
    `ANALYZE parts;
     DECLARE parts_by_root CURSOR WITH HOLD FOR
       SELECT root, tenant, id, says FROM parts ORDER BY root, tenant COLLATE "C", id COLLATE "C"`,
  );
  let root: Root | null = null;
  for (;;) {
    const { rows } = await client.query<{ root: Part['root']; tenant: string; id: string; says: string }>(
      `FETCH ${PAGE} FROM parts_by_root`,
    );
    for (const { says, ...row } of rows) {
      if (root === null || root.kind !== row.root || root.tenant !== row.tenant || root.id !== row.id) {
        if (root !== null) writer.addContributions(root.contributions());
        root = new Root(row.root, row.tenant, row.id);
      }
      // Written by this very run: a part and what it says fit together.
      root.add({ ...row, says: JSON.parse(says) as unknown } as Part);
    }
    await writer.flushIfLarge();
    if (rows.length < PAGE) break;
  }
  if (root !== null) writer.addContributions(root.contributions());
  await writer.flush();
  await client.query('CLOSE parts_by_root');
}
