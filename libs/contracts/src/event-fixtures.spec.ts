import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalEvent } from './canonical.js';
import { catalogue, type EventType } from './catalogue/catalogue.js';
import { describeCatalogue } from './describe.js';
import type { LogEvent } from './envelope.js';
import { parseEvent } from './parse-event.js';
import { upcast } from './upcast.js';

const FOLDER = join(import.meta.dirname, '../../../test/fixtures/events');
const read = (file: string) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
const fixtures = readdirSync(FOLDER).flatMap((file) => /^(.+)\.v(\d+)\.json$/.exec(file)?.slice(0, 3) ?? []);
const cases = Array.from({ length: fixtures.length / 3 }, (_, i) => {
  const [file, type, version] = fixtures.slice(i * 3, i * 3 + 3);
  return { file: file!, type: type as EventType, version: Number(version) };
});

function parse(file: string): LogEvent {
  const result = parseEvent(read(file), { nowMs: Date.UTC(2025, 10, 21), maxAgeMs: 0, backfill: true });
  if (!result.ok) throw new Error(`${file}: ${result.reason}: ${result.detail}`);
  return result.event;
}

describe('the frozen events', () => {
  it('hold every version of every type, and nothing else', () => {
    const versions = Object.entries(catalogue).flatMap(([type, { version }]) =>
      Array.from({ length: version }, (_, i) => `${type}.v${i + 1}.json`),
    );
    expect(cases.map(({ file }) => file).sort()).toEqual(versions.sort());
  });

  it.each(cases)(
    '$type version $version is valid as such, and upcasts to what the newest schema accepts',
    (one) => {
      const event = parse(one.file);
      expect(event).toMatchObject({ type: one.type, dataversion: one.version });
      const current = upcast(event);
      expect(current.dataversion).toBe(catalogue[one.type].version);
      expect(catalogue[one.type].schema.parse(current.data)).toEqual(current.data);
    },
  );

  // A body hash that changed would turn every event that is sent again into an id-conflict.
  it('keep their canonical form for ever', () => {
    const hash = ({ file }: { file: string }) => [
      file.replace('.json', ''),
      createHash('sha256')
        .update(canonicalEvent(parse(file)))
        .digest('hex'),
    ];
    expect(Object.fromEntries(cases.map(hash))).toEqual(read('canonical-sha256.json'));
  });

  it('show every field that the newest version of some type of the kind knows', () => {
    const shown = new Map<string, Set<string>>();
    for (const { file, type } of cases) {
      const kind = type.slice(0, type.indexOf('.'));
      shown.set(kind, new Set([...(shown.get(kind) ?? []), ...Object.keys(parse(file).data)]));
    }
    for (const { kind, fields } of describeCatalogue()) {
      for (const { name } of fields) expect([kind, ...shown.get(kind)!]).toContain(name);
    }
  });
});
