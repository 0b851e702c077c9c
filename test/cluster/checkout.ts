import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The names and places that belong to one checkout, so that two side by side never meet. */
export interface Checkout {
  root: string
  /** Of the kind cluster. */
  clusterName: string
  /** What is known about this checkout's cluster; ignored by git. */
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

/** The checkout that this file is in. */
export const checkout = checkoutAt(realpathSync(resolve(import.meta.dirname, '../..')))

/** What every checkout of this user shares: tools, images, the container engine's data. Safe to delete while nothing runs. */
export const cacheDirectory = cacheDirectoryFor(process.env, homedir())

/** By the XDG Base Directory Specification, which ignores a relative path. */
export function cacheDirectoryFor(environment: { XDG_CACHE_HOME?: string }, home: string): string {
  const configured = environment.XDG_CACHE_HOME
  const base = configured?.startsWith('/') ? configured : join(home, '.cache')
  return join(base, 'authservice-operator')
}
