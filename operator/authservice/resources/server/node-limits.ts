import type { ResolvedResources } from '../../api/resolved-spec.ts'
import { parseQuantity } from '../../model/quantity.ts'

const mebibyte = 2 ** 20

/**
 * Memory that a server needs in addition to the old generation of V8: code, young objects, buffers, threads that hash
 * passwords, sockets. Measured on its bundle with Node 24.21 and 1,000 connections: see docs/children.md.
 */
const besidesOldSpaceBytes = 144 * mebibyte
/** A server with less memory would mostly collect garbage. */
const leastOldSpaceBytes = 48 * mebibyte

/**
 * Options that keep the heap within the memory limit of the container: V8 collects garbage in time, instead of the
 * kernel ending the process. Without a limit, V8 sizes the heap by the memory of the node.
 */
export function nodeOptions({ limits }: ResolvedResources): string[] {
  const limit = limits.memory === undefined ? undefined : parseQuantity(limits.memory)
  if (limit === undefined) return []
  const oldSpace = Math.max(leastOldSpaceBytes, limit - besidesOldSpaceBytes)
  return [`--max-old-space-size=${Math.floor(oldSpace / mebibyte)}`]
}

/** Default number of threads of libuv. */
const defaultThreads = 4
const mostThreads = 64

/**
 * Threads in the pool of libuv. The server hashes passwords on as many threads as there are processors, but at most one
 * less than this value. With the default of four, processors of a large pod would stay idle; and if a node has more
 * processors than the pod requests, hashes do not use them.
 */
export function threadPoolSize({ requests, limits }: ResolvedResources): number {
  const cpu = limits.cpu ?? requests.cpu
  const processors = Math.ceil((cpu === undefined ? undefined : parseQuantity(cpu)) ?? 0)
  return Math.min(mostThreads, Math.max(defaultThreads, processors + 1))
}
