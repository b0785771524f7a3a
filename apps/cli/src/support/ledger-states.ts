import { codeHash, entityKinds, type EntityKind, type EntityKindName, KIND_CODES } from '@quipu/ledger';
import type { StateReader, StoredState } from '../verify/fold-states.js';

const KINDS = new Map(
  Object.entries(KIND_CODES).map(([name, code]) => [code as number, name as EntityKindName]),
);

/** Reads stored states as the ledger does: what they come to is what it takes back when an entity changes. */
export function ledgerStates(): StateReader {
  return { codeHash: codeHash(), contributionsOf };
}

function contributionsOf({
  tenant,
  kind: code,
  id,
  state,
}: StoredState): ReturnType<StateReader['contributionsOf']> {
  const kind = KINDS.get(code);
  if (kind === undefined) throw new Error(`there are no entities of kind ${code}`);
  const of = entityKinds[kind] as EntityKind<unknown>;
  const { amounts, members, changes } = of.contributions({ tenant, kind, id }, JSON.parse(state));
  const labelled = ({ family, tenant: whose, labels }: (typeof amounts)[number]['series']) => ({
    ...{ family, tenant: whose },
    labels: JSON.parse(labels) as Record<string, string>,
  });
  return {
    amounts: amounts.map(({ series, value }) => ({ ...labelled(series), value })),
    members: members.map(({ series, member, score }) => ({ ...labelled(series), member, score })),
    changes,
  };
}
