import { type Writable } from 'node:stream';
import { type FrameSize } from './top-frame.js';

/** What is written to and read from: a terminal, or something that behaves like one. */
export interface ScreenDevices {
  readonly out: Writable & { readonly columns?: number; readonly rows?: number };
  readonly keys: NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown };
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';

/**
 * The whole terminal, on a page of its own: what stood there before comes back when it is left, however that happens
 * (also when the process is ended by a second Ctrl-C).
 */
export class FullScreen {
  private entered = false;
  private readonly leaveAtExit = (): void => this.leave();
  private readonly onData = (data: Buffer | string): void => {
    // An arrow key comes as one piece that begins with an escape: none of its letters was pressed.
    const text = data.toString();
    if (text.startsWith('\u001b')) return;
    for (const key of text) this.onKey(key);
  };

  /** @param onKey told of every character that is typed. @param onResize told when the terminal changed its size. */
  constructor(
    private readonly devices: ScreenDevices,
    private readonly onKey: (key: string) => void,
    private readonly onResize: () => void,
  ) {}

  enter(): void {
    const { out, keys } = this.devices;
    this.entered = true;
    process.on('exit', this.leaveAtExit);
    out.write(ENTER);
    out.on('resize', this.onResize);
    if (keys.isTTY !== true) return;
    keys.setRawMode?.(true);
    keys.on('data', this.onData);
    keys.resume();
  }

  /** Draws over what stands there. */
  draw(text: string): void {
    const lines = text.split('\n').map((line) => `${line}\u001b[K`);
    this.devices.out.write(`\u001b[H${lines.join('\r\n')}\u001b[J`);
  }

  size(): FrameSize {
    const { columns, rows } = this.devices.out;
    return { columns: columns || 100, rows: rows || 30 };
  }

  /** Gives the terminal back as it was. Safe to call again. */
  leave(): void {
    if (!this.entered) return;
    this.entered = false;
    const { out, keys } = this.devices;
    process.off('exit', this.leaveAtExit);
    out.off('resize', this.onResize);
    keys.off('data', this.onData);
    if (keys.isTTY === true) {
      keys.setRawMode?.(false);
      keys.pause();
    }
    out.write(LEAVE);
  }
}
