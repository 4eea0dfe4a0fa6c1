/**
 * The queues that the end-to-end tests run on. Redis is one of them when `redis-server` is on the PATH; CI sets
 * `TRAINYARD_REQUIRE_REDIS`, so that there its absence fails instead of being skipped.
 */
import { hasRedisServer } from './redis.ts'

export type TestQueue = 'postgres' | 'redis'

export function queuesToTest(): TestQueue[] {
  if (hasRedisServer()) return ['postgres', 'redis']
  if (process.env.TRAINYARD_REQUIRE_REDIS === '1') {
    throw new Error('redis-server is not on the PATH, but TRAINYARD_REQUIRE_REDIS is set')
  }
  return ['postgres']
}
