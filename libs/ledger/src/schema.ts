declare const brand: unique symbol;

/** Name of the Postgres schema that holds one generation of the ledger's tables; safe to put into SQL. */
export type LedgerSchema = string & { readonly [brand]: 'LedgerSchema' };

/** The schema of generation `generation` of the ledger's tables. */
export function ledgerSchema(generation: number): LedgerSchema {
  if (!Number.isSafeInteger(generation) || generation < 1) {
    throw new RangeError(`not a generation of the ledger: ${generation}`);
  }
  return `ledger_${generation}` as LedgerSchema;
}

/** Takes a schema name that was read from `projections`. @throws RangeError when it is not one of ours. */
export function parseLedgerSchema(name: string): LedgerSchema {
  const match = /^ledger_([1-9][0-9]{0,8})$/.exec(name);
  if (match === null) throw new RangeError(`not a schema of the ledger: ${name}`);
  return ledgerSchema(Number(match[1]));
}

/** The first generation; which one is live, `projections` says. */
export const LEDGER_1 = ledgerSchema(1);

/** Name of the ledger projection in `projections` and `projection_skips`. */
export const LEDGER_PROJECTION = 'ledger';

/** Version of the ledger's tables, as `projections.version` carries it. */
export const LEDGER_VERSION = 1;
