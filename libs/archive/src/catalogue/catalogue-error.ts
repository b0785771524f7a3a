import { QuipuError } from '@quipu/platform';

/** What the catalogue refuses. */
export type CatalogueRefusal =
  | 'no-such-policy'
  | 'policy-exists'
  | 'policy-in-use'
  | 'policy-unchangeable'
  | 'no-such-rule'
  | 'rule-exists'
  | 'rule-unchangeable'
  | 'no-such-metric'
  | 'metric-exists'
  | 'too-many-metrics'
  | 'no-such-resource'
  | 'resource-exists'
  | 'invalid-page';

/** The catalogue cannot do what it was asked. The message is a sentence for the caller, without a full stop. */
export class CatalogueError extends QuipuError {
  readonly code = 'catalogue';
  readonly retryable = false;

  /** @param subject the name or id it is about. */
  constructor(
    readonly refusal: CatalogueRefusal,
    readonly subject: string,
    message: string,
  ) {
    super(message);
  }

  /** No policy of this name. */
  static noSuchPolicy(name: string): CatalogueError {
    return new CatalogueError('no-such-policy', name, `Archive policy ${name} does not exist`);
  }

  /** No rule of this name. */
  static noSuchRule(name: string): CatalogueError {
    return new CatalogueError('no-such-rule', name, `Archive policy rule ${name} does not exist`);
  }

  /** No metric of this id, or none that the caller may know of. */
  static noSuchMetric(id: string): CatalogueError {
    return new CatalogueError('no-such-metric', id, `Metric ${id} does not exist`);
  }

  /** No resource of this id, or none that the caller may know of. */
  static noSuchResource(id: string): CatalogueError {
    return new CatalogueError('no-such-resource', id, `Resource ${id} does not exist`);
  }

  /** The resource has a metric of this name already. */
  static metricExists(name: string): CatalogueError {
    return new CatalogueError('metric-exists', name, `Named metric ${name} already exists`);
  }
}

/** The constraint that a statement broke, or null if that was not why it failed. */
export function brokenConstraint(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('constraint' in error)) return null;
  const broken = error.code === '23505' || error.code === '23503';
  return broken && typeof error.constraint === 'string' ? error.constraint : null;
}
