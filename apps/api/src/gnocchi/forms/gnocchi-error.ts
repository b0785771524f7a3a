import type { PlainValue } from './plain-value.js';

/** A refusal in the dialect: its form depends on what the client accepts. */
export class GnocchiError extends Error {
  /**
   * @param detail what the client is told: a sentence, an object, "" for nothing, null where nothing is known.
   * @param headers headers of the answer beside those of every refusal.
   */
  constructor(
    readonly status: number,
    readonly detail: PlainValue,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(typeof detail === 'string' ? detail : `status ${status}`);
  }

  /** 400 about one parameter of the query, or one member of the body. */
  static argument(name: string, reason: string, cause = 'Argument value error'): GnocchiError {
    return new GnocchiError(400, { cause, detail: name, reason });
  }
}

/** 501 for what the original serves and Quipu does not. */
export function notServed(what: string): GnocchiError {
  return new GnocchiError(501, `This server does not serve ${what}`);
}
