import {
  equalConstantTime,
  type KeyStore,
  type Principal,
  type Scope,
  SUPERADMIN_TENANT,
  scopeOf,
} from '@quipu/access';
import { Networks } from './networks.js';

/** Who may scrape, and what of the numbers it sees. */
export interface Admitted {
  readonly scope: Scope;
  /** The holder of the key; a name of its own for those who showed the token, or nothing but a trusted address. */
  readonly principal: Principal;
}

/** What the gate looks at. */
export interface GateRequest {
  /** The peer, or the right-most untrusted hop behind trusted proxies. */
  readonly address: string;
  /** What the request shows as a bearer; null if nothing. */
  readonly secret: string | null;
}

/** What {@link MetricsGate} is made of. */
export interface MetricsGateOptions {
  readonly token: string | undefined;
  readonly trusted: readonly string[];
  readonly keys: Pick<KeyStore, 'authenticateSecret'>;
}

const SCRAPERS: ReadonlySet<string> = new Set(['scraper', 'admin', 'superadmin']);

/** Whoever shows the token, or comes from a trusted address where that is enough: a scraper of all tenants. */
const NAMELESS: Principal = {
  tenantId: SUPERADMIN_TENANT,
  tenantName: SUPERADMIN_TENANT,
  name: 'metrics',
  role: 'scraper',
  sourcePrefix: null,
};

/**
 * The gate of `/metrics`. Where trusted networks are configured, the address must lie in one of them, always. Then a
 * bearer decides: the token opens everything, a live key of a scraper or an admin opens its scope, anything else
 * nothing, on a trusted address as well: a revoked key must not see more than it did. Without a bearer a trusted
 * address passes only if no token is configured. With nothing configured only keys pass.
 */
export class MetricsGate {
  private readonly trusted: Networks;

  constructor(private readonly options: MetricsGateOptions) {
    this.trusted = new Networks(options.trusted);
  }

  /** What the request may see; null if it is refused, which looks like a route that does not exist. */
  async admit({ address, secret }: GateRequest): Promise<Admitted | null> {
    if (this.trusted.any && !this.trusted.has(address)) return null;
    const { token } = this.options;
    if (secret === null) {
      return this.trusted.any && token === undefined ? admitted(NAMELESS) : null;
    }
    if (token !== undefined && equalConstantTime(secret, token)) return admitted(NAMELESS);
    const principal = await this.options.keys.authenticateSecret(secret);
    if (principal === null || !SCRAPERS.has(principal.role)) return null;
    return admitted(principal);
  }
}

function admitted(principal: Principal): Admitted | null {
  const scope = scopeOf(principal);
  return scope === null ? null : { scope, principal };
}
