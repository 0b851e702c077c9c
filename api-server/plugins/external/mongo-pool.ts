import type { MongoClient } from 'mongodb'

/** Connections to one member of the deployment. */
export interface PoolUse {
  /** Connections in use. */
  inUse: number
  /** Open connections that no operation uses. */
  idle: number
}

/**
 * Counts the connections of a client by events of the driver.
 *
 * The driver has a pool of at most `maxPoolSize` for each member of a replica set, so the fullest one matters.
 * @see https://www.mongodb.com/docs/drivers/node/current/monitoring-and-logging/monitoring/#connection-pool-events
 * @returns the use of the fullest pool
 */
export function watchPools(client: MongoClient): () => PoolUse {
  const pools = new Map<string, { open: number; inUse: number }>()
  const change = (address: string, open: number, inUse: number) => {
    const pool = pools.get(address) ?? { open: 0, inUse: 0 }
    pools.set(address, { open: pool.open + open, inUse: pool.inUse + inUse })
  }
  client.on('connectionCreated', ({ address }) => change(address, 1, 0))
  client.on('connectionClosed', ({ address }) => change(address, -1, 0))
  client.on('connectionCheckedOut', ({ address }) => change(address, 0, 1))
  client.on('connectionCheckedIn', ({ address }) => change(address, 0, -1))
  client.on('connectionPoolClosed', ({ address }) => pools.delete(address))
  return () => {
    const [fullest] = [...pools.values()].sort((one, other) => other.inUse - one.inUse || other.open - one.open)
    const { open, inUse } = fullest ?? { open: 0, inUse: 0 }
    return { inUse, idle: Math.max(0, open - inUse) }
  }
}
