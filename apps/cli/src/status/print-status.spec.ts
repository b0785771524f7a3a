import { PassThrough } from 'node:stream';
import pc from 'picocolors';
import type { Terminal } from '../support/terminal.js';
import { statusText } from './print-status.js';
import type { SystemStatus } from './read-status.js';

const TERMINAL: Terminal = {
  ...{ out: new PassThrough(), err: new PassThrough(), colours: pc.createColors(false) },
  ...{ outIsTty: false, errIsTty: false, columns: 100 },
};
const SWEEPER: SystemStatus['sweeper'] = {
  ...{ state: 'judging', reason: null, since: null, lost: '0', ended: '0', woken: '0' },
};
const EMPTY: SystemStatus = {
  system: null,
  log: { position: '0', lastEvent: null },
  ledger: { position: '0', behindEvents: '0', behindSeconds: 0, halted: null, needs: null },
  ...{ queue: null, totals: null, deadLetters: {}, epoch: null },
  sweeper: SWEEPER,
};
const url = 'http://127.0.0.1:8080';

describe('the status of a projection that other code made', () => {
  it.each(['reseed', 'rebuild'] as const)('names the command that makes it go on: %s', (needs) => {
    const text = statusText(TERMINAL, { ...EMPTY, ledger: { ...EMPTY.ledger, needs } }, 0);
    expect(text).toMatch(new RegExp(`projection +stands still: .*\\./quipu projections ${needs}`));
  });
});

describe('the first line of the status', () => {
  it.each([
    ['nothing', null, /^Quipu {2}not running here \(\.\/quipu start starts it\)$/],
    ['a system', { phase: 'ready', url, programs: ['api'] }, /^Quipu {2}running at http:\S+ \(api\)$/],
    [
      'an API whose supervisor was killed',
      { phase: 'orphaned', url, programs: ['projector', 'api'] },
      /^Quipu {2}running unattended at http:\S+ \(projector, api: .*\.\/quipu start takes over\)$/,
    ],
    [
      'a projector alone',
      { phase: 'orphaned', url, programs: ['projector'] },
      /^Quipu {2}running unattended \(projector: /,
    ],
  ])('of %s', (_what, system, line) => {
    expect(statusText(TERMINAL, { ...EMPTY, system }, 0).split('\n')[0]).toMatch(line);
  });

  it.each([
    [1, 'Quipu  running (elsewhere: no ./quipu start on this data directory)'],
    [0, 'Quipu  not running here (./quipu start starts it)'],
  ])('where nothing was started here and the queue has %s consumers', (consumers, line) => {
    const queue = { waiting: 0, active: 0, failed: 0, consumers };
    expect(statusText(TERMINAL, { ...EMPTY, queue }, 0).split('\n')[0]).toBe(line);
  });
});

describe('what the status says of silent workers', () => {
  it.each<[string, Partial<typeof SWEEPER>, string]>([
    ['there are none', {}, 'none declared lost'],
    [
      'some were found',
      { lost: '3', ended: '2', woken: '1' },
      '3 declared lost, 2 runs ended by estimate (1 went on)',
    ],
    [
      'nobody is judged',
      { state: 'aside', reason: 'events wait', since: '1970-01-01T00:00:00.000Z' },
      'none declared lost; nobody is judged: events wait, for 1 min',
    ],
    ['nobody looks', { state: 'silent' }, 'none declared lost; no projector looks for silent ones'],
    ['it is turned off', { state: 'off' }, 'none declared lost; silent ones are not looked for'],
  ])('%s', (_what, sweeper, words) => {
    const lines = statusText(TERMINAL, { ...EMPTY, sweeper: { ...SWEEPER, ...sweeper } }, 60_000).split('\n');
    expect(lines.find((line) => line.startsWith('  workers'))).toContain(words);
  });
});
