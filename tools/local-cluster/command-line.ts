import { parseArgs } from 'node:util'
import type { ClusterRequest } from './plan.ts'

/** The command line of `npm run cluster`. */
export type ClusterCommand =
  | { action: 'up'; request: ClusterRequest }
  | { action: 'images' | 'status' | 'down' | 'help' }

export class UsageError extends Error {}

const maxNodes = 5

export const usage = `Usage: npm run cluster -- COMMAND

  up [--nodes N] [--edge-port P]   create the cluster of this checkout, unless it is running
                                   (default: 1 node; the edge on 127.0.0.1:8443 or the next free port)
  images                           build the project's images, and load all images that an AuthService needs
  status                           show whether the cluster is running, and how to use it
  down                             remove the cluster, and keep the caches`

/** @throws {UsageError} with a message that says what to write instead */
export function parseCommandLine(commandLine: readonly string[]): ClusterCommand {
  const { values, positionals } = parse(commandLine)
  const [action, ...rest] = positionals
  if (values.help || action === undefined) return { action: 'help' }
  if (rest.length > 0) throw new UsageError(`Write only one command, without ${rest.join(' ')}.\n\n${usage}`)
  const request = {
    ...(values.nodes !== undefined && { nodes: integer('--nodes', values.nodes, 1, maxNodes) }),
    ...(values['edge-port'] !== undefined && { edgePort: integer('--edge-port', values['edge-port'], 1, 65_535) }),
  }
  if (action === 'up') return { action, request }
  if (action !== 'images' && action !== 'status' && action !== 'down') {
    throw new UsageError(`There is no command ${action}.\n\n${usage}`)
  }
  if (Object.keys(request).length > 0)
    throw new UsageError(`--nodes and --edge-port are options of "up" only.\n\n${usage}`)
  return { action }
}

function parse(commandLine: readonly string[]) {
  try {
    return parseArgs({
      args: [...commandLine],
      allowPositionals: true,
      options: { nodes: { type: 'string' }, 'edge-port': { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

function integer(option: string, text: string, lowest: number, highest: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= lowest && value <= highest) return value
  throw new UsageError(`${option} must be an integer from ${lowest} to ${highest}, not "${text}".`)
}
