import { Controller, Get } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { HealthProbes, type ProbeOutcome } from './health-probes.js';

/** Longest a probe may take, ms; a store that hangs is a store that is away. */
const PATIENCE_MS = 2_000;

/** `/health/{live,ready,startup}`: what an orchestrator asks before it restarts, routes to, or waits for the API. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly probes: HealthProbes,
  ) {}

  /** The process answers. Depends on nothing else: restarting the API does not bring a database back. */
  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([]);
  }

  /** Postgres reachable and migrated. */
  @Get('startup')
  @HealthCheck()
  startup(): Promise<HealthCheckResult> {
    return this.health.check([() => this.required('postgres', () => this.probes.postgres())]);
  }

  /** Ready: as startup. Redis away, a projection that lags or stands still is `degraded`, with the reason. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.required('postgres', () => this.probes.postgres()),
      () => this.desired('redis', () => this.probes.redis()),
      () => this.desired('projection', () => this.probes.projection()),
    ]);
  }

  private async required(key: string, probe: () => Promise<ProbeOutcome>): Promise<HealthIndicatorResult> {
    const reason = await outcome(probe);
    const indicator = this.indicators.check(key);
    return reason === null ? indicator.up() : indicator.down({ reason });
  }

  private async desired(key: string, probe: () => Promise<ProbeOutcome>): Promise<HealthIndicatorResult> {
    const reason = await outcome(probe);
    const indicator = this.indicators.check(key);
    return reason === null ? indicator.up() : indicator.degraded({ reason });
  }
}

/** The probe's reason; a probe that fails or takes too long has one, too, and it names no internals. */
async function outcome(probe: () => Promise<ProbeOutcome>): Promise<ProbeOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('It does not answer in time.'), PATIENCE_MS);
  });
  try {
    return await Promise.race([probe().catch(() => 'It cannot be asked now.'), late]);
  } finally {
    clearTimeout(timer);
  }
}
