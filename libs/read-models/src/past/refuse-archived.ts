import { type ArchivedLog, ArchivedPositionError } from '@quipu/event-log';

/**
 * Which entities changed since a position is found by an index of the table. Archives have one by entity only, and
 * reading all of them for one question would take minutes: such a question is refused.
 * @throws ArchivedPositionError naming the archives that would have to come back.
 */
export function refuseArchived(archived: ArchivedLog, position: bigint): void {
  if (!archived.covers(position)) return;
  const parts = archived.parts.filter(({ end }) => end > position + 1n);
  const until = new Date(parts.at(-1)!.lastRecordedMs).toISOString();
  const names = parts.map(({ file }) => file).join(', ');
  throw new ArchivedPositionError(
    `What the ledger said then cannot be told from its table: what was recorded until ${until} is archived in ${names}.`,
    {
      hint: `Ask as of a later time, or bring it back: ./quipu archive restore --from @${parts[0]!.first}`,
    },
  );
}
