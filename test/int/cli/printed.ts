import { Writable } from 'node:stream';
import pc from 'picocolors';
import { type Terminal } from '../../../apps/cli/src/support/terminal.js';

/** What `print` writes to either stream of a plain pipe, 100 columns wide and without colours. */
export function printed(print: (terminal: Terminal) => void): string {
  let text = '';
  const out = new Writable({
    write(chunk: Buffer, _, done) {
      text += chunk.toString();
      done();
    },
  });
  print({
    ...{ out, err: out, colours: pc.createColors(false) },
    ...{ outIsTty: false, errIsTty: false, columns: 100 },
  });
  return text;
}
