import { KeyStore } from '@quipu/access';
import type { Clock } from '@quipu/platform';
import { GenerationStore } from '@quipu/read-models';
import { Injectable, type OnModuleDestroy, type Provider } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { LateRefusals } from './late-refusals.js';
import { RememberedKeys } from './remembered-keys.js';

/** Refusals that still wait are sent when the process ends. */
@Injectable()
class RefusalsEnd implements OnModuleDestroy {
  constructor(private readonly refusals: LateRefusals) {}

  onModuleDestroy(): void {
    this.refusals.end();
  }
}

/** What the Proxmox dialect adds to the module. @param refusalMs how late nobody is refused; 3 s if absent. */
export function proxmoxProviders(options: {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly refusalMs?: number;
}): Provider[] {
  const { redis, clock, refusalMs } = options;
  return [
    { provide: GenerationStore, useValue: new GenerationStore(redis) },
    { provide: LateRefusals, useValue: new LateRefusals(refusalMs) },
    {
      provide: RememberedKeys,
      useFactory: (keys: KeyStore) => new RememberedKeys(keys, clock),
      inject: [KeyStore],
    },
    RefusalsEnd,
  ];
}
