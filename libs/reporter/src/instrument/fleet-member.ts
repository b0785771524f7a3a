import { arch, hostname } from 'node:os';
import {
  isTenantId,
  MAX_ATTRIBUTE_LENGTH,
  MAX_LIST_LENGTH,
  MAX_NAME_LENGTH,
  PLATFORM_TENANT,
} from '@quipu/contracts';
import type { Reporter } from '../reporter.js';
import { UuidV7 } from '../uuid-v7.js';
import { named, tidyId, tidyText } from './job-facts.js';
import type { WorkerDescription } from './options.js';

/** Node's words for architectures in Debian's. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: 'i386',
  arm: 'armhf',
  loong64: 'loong64',
  ppc64: 'ppc64el',
};
const DEFAULT_LEASE_SECONDS = 60;
const BEATS_PER_LEASE = 3;
/** Least and most time between two heartbeats, ms; a timer of more would fire at once. */
const LEAST_BEAT_MS = 100;
const MOST_BEAT_MS = 2 ** 31 - 1;
const SUBJECT = 'worker/';
const MAX_CONCURRENCY = 1_000_000;

let serial = 0;
const lives = new UuidV7();

/** A worker as a part of the fleet: it registers, connects, sends heartbeats and leaves. */
export class FleetMember {
  readonly id: string;
  readonly tenant: string;
  /**
   * Tells this registration from those of other processes under the same name. A process that was stopped and goes on
   * is still the same life, so whoever took it for lost learns that it was not.
   */
  readonly life = lives.next(Date.now());
  private readonly host: string;
  private readonly lasting: boolean;
  private timer: NodeJS.Timeout | undefined;
  private left = false;

  /**
   * @param queue name of the queue it works for.
   * @param name what BullMQ calls the worker, if anything.
   * @throws Error if what is to be its tenant is none.
   */
  constructor(
    private readonly reporter: Reporter,
    private readonly description: WorkerDescription,
    queue: string,
    name: string | undefined,
  ) {
    this.tenant = description.tenant ?? PLATFORM_TENANT;
    if (!isTenantId(this.tenant)) throw new Error(`worker: ${String(this.tenant)} is no tenant id`);
    this.host = tidyId(textOf(description.host) ?? hostname(), MAX_ATTRIBUTE_LENGTH);
    const given = textOf(description.id) ?? textOf(name);
    this.lasting = given !== undefined;
    serial += 1;
    const made = `${this.host}/${queue}/${process.pid}${serial === 1 ? '' : `.${serial}`}`;
    this.id = tidyId(given ?? made, MAX_ATTRIBUTE_LENGTH - SUBJECT.length);
  }

  /**
   * Registers and connects.
   * @param leaseSeconds without a heartbeat for so long it counts as lost; what is no time means the default.
   */
  join(concurrency: number, leaseSeconds?: number): void {
    const { type, pool, architectures } = this.description;
    const own = ARCHITECTURES[arch()] ?? arch();
    const hostArchitecture = tidyText(textOf(this.description.hostArchitecture) ?? own, MAX_NAME_LENGTH);
    const able = [...(architectures ?? [hostArchitecture])].flatMap((one) => textOf(one) ?? []);
    this.say('registered', {
      ...named('type', textOf(type) ?? 'external'),
      ...named('pool', textOf(pool)),
      ...{ host: this.host, hostArchitecture },
      architectures: able.slice(0, MAX_LIST_LENGTH).map((one) => tidyText(one, MAX_NAME_LENGTH)),
      ...{ concurrency: Math.min(Math.max(0, Math.floor(concurrency)), MAX_CONCURRENCY), enabled: true },
    });
    this.say('connected');
    // Only who has sent a heartbeat is missed when none comes: a worker may die before its first interval is over.
    this.say('heartbeat');
    this.timer = setInterval(() => this.say('heartbeat'), beatMs(leaseSeconds));
    // A program whose work is done must be able to end.
    this.timer.unref();
  }

  /** Disconnects; a worker whose name no later process will take up is gone for good. */
  leave(): void {
    if (this.left) return;
    this.left = true;
    clearInterval(this.timer);
    this.say('disconnected');
    if (!this.lasting) this.say('retired');
  }

  private say(
    what: 'registered' | 'connected' | 'heartbeat' | 'disconnected' | 'retired',
    data: Record<string, unknown> = {},
  ): void {
    this.reporter.report({
      ...{ type: `worker.${what}`, tenant: this.tenant, subject: `${SUBJECT}${this.id}` },
      data: { ...data, life: this.life },
    });
  }
}

/** How long after a heartbeat the next one comes, ms. */
function beatMs(leaseSeconds: number | undefined): number {
  const given = [leaseSeconds, Number(process.env['QUIPU_WORKER_LEASE_SECONDS'])].find(isTime);
  const third = ((given ?? DEFAULT_LEASE_SECONDS) * 1_000) / BEATS_PER_LEASE;
  return Math.min(Math.max(third, LEAST_BEAT_MS), MOST_BEAT_MS);
}

function isTime(seconds: number | undefined): boolean {
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0;
}

/** What was given for a text; nothing if it is empty. */
function textOf(given: string | undefined): string | undefined {
  return given === undefined || given === null || given === '' ? undefined : String(given);
}
