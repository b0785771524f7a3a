import type { Pool } from 'pg';

/** A pool or one of its clients: whatever runs a statement. */
export type Queryable = Pick<Pool, 'query'>;
