import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The names and paths of one checkout, which no other checkout uses. */
export interface Checkout {
  root: string
  /** The name of the kind cluster. */
  clusterName: string
  /** The folder with the state of this checkout's cluster, which git ignores. */
  stateDirectory: string
  kubeconfigPath: string
  logDirectory: string
}

export function checkoutAt(path: string): Checkout {
  const stateDirectory = join(path, '.cluster')
  return {
    root: path,
    clusterName: `authservice-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`,
    stateDirectory,
    kubeconfigPath: join(stateDirectory, 'kubeconfig'),
    logDirectory: join(stateDirectory, 'logs'),
  }
}

/** The checkout that contains this file. */
export const checkout = checkoutAt(realpathSync(resolve(import.meta.dirname, '../..')))

/**
 * What all checkouts of this user share: tools, images, the container engine's data. May be deleted while nothing runs.
 */
export const cacheDirectory = cacheDirectoryFor(process.env, homedir())

/** Follows the XDG Base Directory Specification, which ignores a relative path. */
export function cacheDirectoryFor(environment: { XDG_CACHE_HOME?: string }, home: string): string {
  const configured = environment.XDG_CACHE_HOME
  const base = configured?.startsWith('/') ? configured : join(home, '.cache')
  return join(base, 'authservice-operator')
}
