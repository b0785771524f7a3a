import { HttpException } from '@nestjs/common';

/** What a problem document carries besides status and detail. */
export interface ProblemOptions {
  /** One sentence that tells the caller what to do. */
  readonly hint?: string;
  /** Headers of the answer, such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Members of the document beyond those of RFC 9457. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** A refusal with all that its problem document says. */
export class ProblemException extends HttpException {
  /** @param detail one sentence for the caller; never internals. */
  constructor(
    status: number,
    detail: string,
    readonly extra: ProblemOptions = {},
  ) {
    super(detail, status);
  }
}
