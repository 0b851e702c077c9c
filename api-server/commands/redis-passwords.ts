import { Redis } from 'ioredis'

/** Address of Redis, and the timeout of a command. */
export interface RedisAddress {
  host: string
  port: number
}

/**
 * Makes a running Redis accept only these passwords. Open connections stay open. Safe to repeat.
 *
 * @param passwords the first is used first to authenticate
 * @throws when Redis accepts none of them
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
    // The command throws the same error.
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
  throw new AggregateError(failures, 'Redis accepts none of the passwords in the Secret')
}
