import { parseArgs } from 'node:util'

/** Options of `npm run demo`. */
export interface DemoOptions {
  action: 'run' | 'down' | 'help'
  /** A context of the user's kubeconfig; absent: the demo creates its own cluster. */
  context?: string
  /** Confirms changes of the user's cluster. */
  yes: boolean
  /** The port of the edge on 127.0.0.1; absent: 8443 or the next free port. */
  port?: number
}

export const usage = `Usage: npm run demo [-- OPTIONS]

Brings a cluster up, installs the operator, applies manifests/samples/quickstart.yaml and logs a user in.

  --down           remove the demo
  --context NAME   use the cluster of this kubeconfig context instead of creating one
                   (lists the changes to that cluster and asks for confirmation first)
  --yes            do not ask for confirmation before changing the cluster of --context
  --port N         port of the edge on 127.0.0.1 (default: 8443 or the next free port)
  --help           show this text`

/** @throws {UsageError} with a sentence that names the option and what to write instead */
export function parseOptions(commandLine: readonly string[]): DemoOptions {
  const { values } = parse(commandLine)
  if (values.help) return { action: 'help', yes: false }
  if (values.context === '') throw new UsageError('--context needs the name of a context: kubectl config get-contexts')
  if (values.context !== undefined && values.port !== undefined) {
    throw new UsageError('--port applies only to the cluster that the demo creates: omit it with --context')
  }
  return {
    action: values.down ? 'down' : 'run',
    yes: values.yes ?? false,
    ...(values.context !== undefined && { context: values.context }),
    ...(values.port !== undefined && { port: parsePort(values.port) }),
  }
}

export class UsageError extends Error {}

function parse(commandLine: readonly string[]) {
  try {
    return parseArgs({
      args: [...commandLine],
      options: {
        down: { type: 'boolean' },
        context: { type: 'string' },
        yes: { type: 'boolean' },
        port: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1024 && port <= 65_535) return port
  throw new UsageError(`--port ${text} is not a port: write a whole number from 1024 to 65535`)
}
