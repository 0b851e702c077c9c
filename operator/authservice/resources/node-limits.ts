import type { ResolvedResources } from '../api/resolved-spec.ts'
import { parseQuantity } from '../apply/quantity.ts'

const mebibyte = 2 ** 20

/**
 * Memory that a server has besides V8's old objects: code, young objects, buffers, threads that hash passwords,
 * sockets. Measured on its bundle with Node 24.21 and 1,000 connections: see docs/children.md.
 */
const besidesOldSpaceBytes = 144 * mebibyte
/** A server that has less collects garbage more than it answers. */
const leastOldSpaceBytes = 48 * mebibyte

/**
 * Options that keep the heap within the limit of its container: V8 collects garbage in time, instead of the kernel
 * ending the process. Without a limit V8 chooses by the memory of the node.
 */
export function nodeOptions({ limits }: ResolvedResources): string[] {
  const limit = limits.memory === undefined ? undefined : parseQuantity(limits.memory)
  if (limit === undefined) return []
  const oldSpace = Math.max(leastOldSpaceBytes, limit - besidesOldSpaceBytes)
  return [`--max-old-space-size=${Math.floor(oldSpace / mebibyte)}`]
}

/** Threads of libuv unless something else is said. */
const defaultThreads = 4
const mostThreads = 64

/**
 * Threads of libuv's pool. The server hashes passwords on as many threads as there are processors, and on one less
 * than this at most, so four would leave the processors of a big pod idle, and more processors of a node than the pod
 * asks for are not taken by hashes.
 */
export function threadPoolSize({ requests, limits }: ResolvedResources): number {
  const cpu = limits.cpu ?? requests.cpu
  const processors = Math.ceil((cpu === undefined ? undefined : parseQuantity(cpu)) ?? 0)
  return Math.min(mostThreads, Math.max(defaultThreads, processors + 1))
}
