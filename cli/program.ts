import { createInterface } from 'node:readline/promises'
import { Command, InvalidArgumentError } from 'commander'
import { restore, type Terminal } from './backups/restore.ts'
import { clients } from './clients/clients.ts'
import { Kubectl, type KubectlOptions } from './kubectl.ts'
import manifest from './package.json' with { type: 'json' }
import { type RolloutAction, requestAction } from './rollouts/actions.ts'
import { history, type Screen, status } from './rollouts/commands.ts'

/** The commands of `kubectl authservice`. kubectl finds the plug-in on PATH by its file name, `kubectl-authservice`. */
export function program(): Command {
  const named = `kubectl-authservice ${manifest.version}`
  // As with kubectl, options may precede or follow the command.
  const root = withKubectlOptions(new Command('kubectl-authservice'))
    .description('Show AuthServices and their clients, control their rollouts and restore backups.')
    .version(named, '--version', 'print the version of this plug-in')
    .showHelpAfterError('(kubectl authservice --help lists the commands)')

  root
    .command('version')
    .description('print the version of this plug-in')
    .option('-o, --output <format>', 'output format: json', parseOutput)
    .action(({ output }: { output?: 'json' }) => {
      console.log(output === 'json' ? JSON.stringify({ client: manifest.version }) : named)
    })

  withKubectlOptions(root.command('status'))
    .description('show an AuthService with its rollout, colours and pods')
    .argument('<name>', 'AuthService')
    .option('-w, --watch', 'watch for changes', false)
    .option('-o, --output <format>', 'output format: json', parseOutput)
    .action(async (name: string, _: object, command: Command) => {
      const options: KubectlOptions & { watch: boolean; output?: 'json' } = command.optsWithGlobals()
      const ending = new AbortController()
      process.once('SIGINT', () => ending.abort())
      const request = { name, watch: options.watch, json: options.output === 'json' }
      await status(request, new Kubectl(options), screen, ending.signal)
    })

  withKubectlOptions(root.command('history'))
    .description('list the revisions that you can roll back to, and the outcome of each')
    .argument('<name>', 'AuthService')
    .option('-o, --output <format>', 'output format: json', parseOutput)
    .action((name: string, _: object, command: Command) => {
      const options: KubectlOptions & { output?: 'json' } = command.optsWithGlobals()
      return history(name, options.output === 'json', new Kubectl(options), screen)
    })

  withKubectlOptions(root.command('clients'))
    .description('list the AuthClients of an AuthService, in all namespaces')
    .argument('<name>', 'AuthService')
    .option('-o, --output <format>', 'output format: json', parseOutput)
    .action((name: string, _: object, command: Command) => {
      const options: KubectlOptions & { output?: 'json' } = command.optsWithGlobals()
      return clients(name, options.output === 'json', new Kubectl(options), screen)
    })

  addAction(root, 'promote', 'switch traffic to the new colour', 'promote')
  addAction(root, 'abort', 'cancel the current rollout', 'abort')
  addAction(root, 'rollback', 'return to the previous revision, or to the one that you name', 'rollback-to')
  withKubectlOptions(root.command('restart'))
    .description('replace every server pod, like an update')
    .argument('<name>', 'AuthService')
    .action((name: string, _: object, command: Command) =>
      request('restart', name, undefined, command.optsWithGlobals()),
    )

  withKubectlOptions(root.command('restore'))
    .description('replace the users of an AuthService with those of a backup; without BACKUP, list the backups')
    .argument('<name>', 'AuthService')
    .argument('[backup]', 'file name of a backup, or latest')
    .option('-y, --yes', 'do not ask for confirmation', false)
    .option('--timeout <seconds>', 'time to wait for the Job', parseSeconds, 1800)
    .action((name: string, backup: string | undefined, _: object, command: Command) => {
      const options: RestoreOptions = command.optsWithGlobals()
      const { yes, timeout: timeoutSeconds } = options
      return restore({ name, backup, yes, timeoutSeconds }, new Kubectl(options), terminal)
    })

  return root
}

/** A command that writes one annotation. The operator acts on it once, and `status` shows the result. */
function addAction(root: Command, command: string, description: string, annotation: RolloutAction): void {
  withKubectlOptions(root.command(command))
    .description(description)
    .argument('<name>', 'AuthService')
    .argument('[revision]', 'number or hash of a revision (see history)')
    .action((name: string, revision: string | undefined, _: object, command: Command) =>
      request(annotation, name, revision, command.optsWithGlobals()),
    )
}

async function request(annotation: RolloutAction, name: string, revision: string | undefined, options: KubectlOptions) {
  const kubectl = new Kubectl(options)
  const value = await requestAction(annotation, name, revision, { kubectl, now: new Date() })
  screen.print(
    `${annotation} ${value} requested. To follow it: kubectl authservice status ${name} --watch${kubectl.flags}`,
  )
}

const screen: Screen = {
  isTerminal: process.stdout.isTTY === true,
  get columns() {
    return process.stdout.columns
  },
  print: (text) => console.log(text),
  // Overwrites line by line, because clearing the screen first makes it flicker.
  repaint: (text) => process.stdout.write(`\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[K\n\u001b[J`),
}

type RestoreOptions = KubectlOptions & { yes: boolean; timeout: number }

/** The options of kubectl itself, which passes everything after the name of the plug-in to it. */
function withKubectlOptions(command: Command): Command {
  return command
    .option('-n, --namespace <namespace>', 'namespace of the AuthService (default: the namespace of the context)')
    .option('--context <context>', 'context of the kubeconfig')
    .option('--kubeconfig <file>', 'path of the kubeconfig')
}

const terminal: Terminal = {
  print: (line) => console.log(line),
  ask: async (question) => {
    if (!process.stdin.isTTY) return undefined
    const lines = createInterface({ input: process.stdin, output: process.stdout })
    try {
      return await lines.question(question)
    } finally {
      lines.close()
    }
  },
}

function parseOutput(value: string): 'json' {
  if (value === 'json') return value
  throw new InvalidArgumentError(`unknown output format "${value}": omit --output or write --output json`)
}

function parseSeconds(value: string): number {
  const seconds = Number(value)
  if (Number.isInteger(seconds) && seconds > 0) return seconds
  throw new InvalidArgumentError(`"${value}" is not a number of seconds: write a whole number above 0`)
}
