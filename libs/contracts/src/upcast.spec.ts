import { z } from 'zod';
import type { Definitions } from './catalogue/catalogue.js';
import { define } from './catalogue/definition.js';
import * as field from './catalogue/fields.js';
import type { LogEvent } from './envelope.js';
import { parseEventWith } from './parse-event.js';
import { upcast, upcastWith } from './upcast.js';

/** A type with two superseded versions: a field was renamed, then a unit changed and a default was made explicit. */
const ripened = define({
  kind: 'job',
  summary: 'Synthetic.',
  fields: {
    queue: field.name('Queue.'),
    waitMs: field.required(field.count('Wait.', 'ms')),
    kind: field.name('Kind.'),
  },
  past: [
    {
      schema: z.looseObject({ lane: z.string(), wait: z.number() }),
      toNext: ({ lane, ...rest }) => ({ ...rest, queue: lane }),
    },
    {
      schema: z.looseObject({ queue: z.string(), wait: z.number() }),
      toNext: ({ wait, ...rest }) => ({ ...rest, waitMs: Number(wait) * 1_000, kind: 'plain' }),
    },
  ],
});
const known: Definitions = new Map([['job.queued', ripened]]);

const event = (dataversion: number, data: Record<string, unknown>): LogEvent => ({
  tenant: 'acme',
  source: 's',
  id: '1',
  type: 'job.queued',
  subject: 'job/1',
  time: 0,
  dataversion,
  data,
});
const parse = (dataversion: number, data: unknown) =>
  parseEventWith(
    known,
    { ...event(dataversion, {}), specversion: '1.0', time: '1970-01-01T00:00:00Z', data },
    { nowMs: 0, maxAgeMs: 1, backfill: false },
  );

describe('upcastWith', () => {
  it('chains the steps from any past version to the newest, keeping unknown fields', () => {
    const newest = { queue: 'q', waitMs: 2_000, kind: 'plain', extra: [1] };
    expect(upcastWith(known, event(1, { lane: 'q', wait: 2, extra: [1] }))).toEqual(event(3, newest));
    expect(upcastWith(known, event(2, { queue: 'q', wait: 2, extra: [1] }))).toEqual(event(3, newest));
  });

  it('gives an event of the newest version back as it is, and never changes its argument', () => {
    const current = event(3, { queue: 'q', waitMs: 1 });
    expect(upcastWith(known, current)).toBe(current);
    const old = Object.freeze(event(1, Object.freeze({ lane: 'q', wait: 2 })));
    upcastWith(known, old);
    expect(old.data).toEqual({ lane: 'q', wait: 2 });
  });

  it('makes of every past version what the newest schema accepts', () => {
    for (const [version, data] of [
      [1, { lane: 'q', wait: 2 }],
      [2, { queue: 'q', wait: 2 }],
    ] as const) {
      expect(ripened.schema.safeParse(upcastWith(known, event(version, data)).data).success).toBe(true);
    }
  });

  it.each([0, 4, 1.5])('refuses to guess at version %d, which no build it knows has written', (version) => {
    expect(() => upcastWith(known, event(version, {}))).toThrow(/job\.queued version/);
  });

  it('takes no loss or end for an estimate that was told before there were any', () => {
    const told = { estimated: true, worker: 'w' };
    expect(upcast({ ...event(1, { ...told, life: 5 }), type: 'job.aborted' }).data).toEqual({ worker: 'w' });
    expect(upcast({ ...event(1, { ...told, since: 5 }), type: 'worker.lost' }).data).toEqual({ worker: 'w' });
    expect(upcast({ ...event(2, { estimated: true }), type: 'job.aborted' }).data).toEqual({
      estimated: true,
    });
  });

  it('refuses a type of a newer build', () => {
    expect(() => upcast({ ...event(1, {}), type: 'job.cloned' as 'job.queued' })).toThrow(/job\.cloned/);
  });
});

describe('parseEventWith', () => {
  it('checks data against the version it is sent in, and keeps that version', () => {
    expect(parse(1, { lane: 'q', wait: 2 })).toMatchObject({
      ok: true,
      event: { dataversion: 1, data: { lane: 'q' } },
    });
    expect(parse(2, { lane: 'q', wait: 2 })).toMatchObject({ ok: false, reason: 'invalid-data' });
    expect(parse(3, { waitMs: 2 })).toMatchObject({ ok: true });
    expect(parse(4, { waitMs: 2 })).toMatchObject({
      ok: false,
      reason: 'unsupported-version',
      detail: 'dataversion: job.queued has versions 1 to 3, got 4',
    });
  });
});
