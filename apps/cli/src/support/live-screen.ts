import { type Terminal } from './terminal.js';

/** A place on a terminal that is drawn over again; elsewhere, one block after the other. */
export class LiveScreen {
  private drawnLines = 0;

  constructor(private readonly terminal: Terminal) {}

  draw(text: string): void {
    const lines = text.split('\n');
    if (!this.terminal.outIsTty) {
      this.terminal.out.write(`${text}\n`);
      return;
    }
    // Up to where the last drawing began; each line is cleared to its end, and what is left below it too.
    const up = this.drawnLines > 0 ? `\u001b[${this.drawnLines}A` : '';
    this.terminal.out.write(`${up}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    this.drawnLines = lines.length;
  }
}
