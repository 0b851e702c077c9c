import { Redis } from 'ioredis'

/** Where the Redis is, and how long an answer may take. */
export interface RedisAddress {
  host: string
  port: number
}

/**
 * Makes a running Redis accept these passwords and no other. Connections that are open stay so. Safe to repeat.
 *
 * @param passwords the first is tried first, to log in with
 * @throws when Redis takes none of them
 * @see https://redis.io/docs/latest/commands/acl-setuser/
 */
export async function acceptPasswords(address: RedisAddress, passwords: readonly string[]): Promise<void> {
  const failures: unknown[] = []
  for (const password of passwords) {
    const redis = new Redis({
      ...address,
      password,
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      connectTimeout: 5_000,
      commandTimeout: 5_000,
    })
    // What goes wrong is thrown by the command as well.
    redis.on('error', () => undefined)
    try {
      await redis.connect()
      await redis.call('ACL', 'SETUSER', 'default', 'resetpass', ...passwords.map((one) => `>${one}`))
      return
    } catch (error) {
      failures.push(error)
    } finally {
      redis.disconnect()
    }
  }
  throw new AggregateError(failures, 'Redis takes none of the passwords of the Secret')
}
