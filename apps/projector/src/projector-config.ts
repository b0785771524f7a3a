import { type Config, ConfigError } from '@quipu/platform';

/** The configuration of a process that needs both stores to be named. */
export interface ProjectorConfig extends Config {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/**
 * Checks that both stores are named: the projector starts none of its own.
 * @throws ConfigError
 */
export function projectorConfig(config: Config): ProjectorConfig {
  const { databaseUrl, redisUrl } = config;
  if (databaseUrl === undefined || redisUrl === undefined) {
    throw new ConfigError(`${databaseUrl === undefined ? 'DATABASE_URL' : 'REDIS_URL'} must be set.`, {
      hint: '"./quipu start" brings up Postgres and Redis and runs the projector with them.',
    });
  }
  return { ...config, databaseUrl, redisUrl };
}
