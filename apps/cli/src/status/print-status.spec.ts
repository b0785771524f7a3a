import { PassThrough } from 'node:stream';
import pc from 'picocolors';
import type { Terminal } from '../support/terminal.js';
import { statusText } from './print-status.js';
import type { SystemStatus } from './read-status.js';

const TERMINAL: Terminal = {
  ...{ out: new PassThrough(), err: new PassThrough(), colours: pc.createColors(false) },
  ...{ outIsTty: false, errIsTty: false, columns: 100 },
};
const EMPTY: SystemStatus = {
  system: null,
  log: { position: '0', lastEvent: null },
  ledger: { position: '0', behindEvents: '0', behindSeconds: 0, halted: null, needs: null },
  ...{ queue: null, totals: null, deadLetters: {}, epoch: null },
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
});
