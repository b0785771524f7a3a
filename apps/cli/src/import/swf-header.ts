import { hash } from 'node:crypto';

/** What the header comments of a workload tell about where and when it was recorded. */
export interface SwfHeader {
  readonly computer: string;
  readonly installation: string;
  /** Seconds since 1970 that submit times count from; 0 where the header does not say. */
  readonly unixStartTime: number;
}

/** The header of a workload that has none. */
export const NO_HEADER: SwfHeader = { computer: '', installation: '', unixStartTime: 0 };

/** Takes in one comment line (`; Key: value`). The first mention of a key counts; other keys are ignored. */
export class SwfHeaderReader {
  private readonly found = new Map<string, string>();

  read(comment: string): void {
    const parts = /^\s*;+\s*([A-Za-z]+)\s*:\s*(.*?)\s*$/.exec(comment);
    if (!parts) return;
    const key = parts[1]!.toLowerCase();
    if (!this.found.has(key)) this.found.set(key, parts[2]!);
  }

  header(): SwfHeader {
    const start = /^-?\d+/.exec(this.found.get('unixstarttime') ?? '');
    const seconds = start ? Number(start[0]) : 0;
    return {
      computer: this.found.get('computer') ?? '',
      installation: this.found.get('installation') ?? '',
      unixStartTime: Number.isSafeInteger(seconds) ? seconds : 0,
    };
  }
}

/**
 * The name of a workload: twelve hexadecimal digits of a hash of its Computer, Installation and
 * UnixStartTime. The file's name and length do not enter, so a renamed or grown file is the same workload;
 * a shifted one (`--ending`) is another, because its events carry other times under the same job numbers.
 */
export function traceOf(header: SwfHeader): string {
  const { computer, installation, unixStartTime } = header;
  return hash('sha256', JSON.stringify([computer, installation, unixStartTime])).slice(0, 12);
}
