import type { Principal } from '@quipu/access';
import type { Pool } from 'pg';
import { Freshness, NotYetError, UnknownTokenError } from './freshness.js';

const root: Principal = {
  ...{
    tenantId: 'superadmin',
    tenantName: 'superadmin',
    name: 'root',
    role: 'superadmin',
    sourcePrefix: null,
  },
};

/** A ledger whose checkpoint stands at `position`, and how often it was asked. */
function ledgerAt(position: () => string): { pool: Pool; asked: () => number } {
  let asked = 0;
  const query = () => {
    asked += 1;
    const row = { position: position(), epoch: 'e', schema_name: 'ledger_1', code_hash: '' };
    return Promise.resolve({ rows: [{ ...row, halted_position: null, halted_error: null }] });
  };
  return { pool: { query } as unknown as Pool, asked: () => asked };
}

describe('an answer that must hold what a token stands for', () => {
  it('waits until the projection has passed it', async () => {
    let position = 6;
    const { pool } = ledgerAt(() => String((position += 1)));
    await expect(new Freshness(pool).waitFor(root, '9')).resolves.toBeUndefined();
    expect(position).toBe(9);
  });

  it('gives up in the end, and asks ever more seldom before that', async () => {
    const { pool, asked } = ledgerAt(() => '1');
    await expect(new Freshness(pool, 2_000).waitFor(root, '2')).rejects.toThrow(NotYetError);
    expect(asked()).toBeGreaterThan(1);
    expect(asked()).toBeLessThan(15);
  });

  it('is refused for what is no token of this ledger', async () => {
    const { pool } = ledgerAt(() => '1');
    await expect(new Freshness(pool).waitFor({ ...root, role: 'admin' }, '1')).rejects.toThrow(
      UnknownTokenError,
    );
  });
});
