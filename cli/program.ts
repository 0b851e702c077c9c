import { createInterface } from 'node:readline/promises'
import { Command, InvalidArgumentError } from 'commander'
import { restore, type Terminal } from './backups/restore.ts'
import { Kubectl, type KubectlOptions } from './kubectl.ts'
import manifest from './package.json' with { type: 'json' }
import { history, type Screen, status } from './rollouts/commands.ts'
import { give, type Order } from './rollouts/orders.ts'

/** What `kubectl authservice` understands. kubectl finds the plug-in by its file name, `kubectl-authservice`, on PATH. */
export function program(): Command {
  const root = new Command('kubectl-authservice')
    .description('Looks at AuthServices and acts on their rollouts.')
    .showHelpAfterError('(kubectl authservice --help lists the commands)')

  root
    .command('version')
    .description('print the version of this plug-in')
    .option('-o, --output <format>', 'json for a machine', parseOutput)
    .action(({ output }: { output?: 'json' }) => {
      const version = { client: manifest.version }
      console.log(output === 'json' ? JSON.stringify(version) : `kubectl-authservice ${version.client}`)
    })

  withKubectlOptions(root.command('status'))
    .description('show an AuthService with its rollout, colours and pods')
    .argument('<name>', 'AuthService')
    .option('-w, --watch', 'go on showing it as it changes', false)
    .option('-o, --output <format>', 'json for a machine', parseOutput)
    .action(async (name: string, options: KubectlOptions & { watch: boolean; output?: 'json' }) => {
      const ending = new AbortController()
      process.once('SIGINT', () => ending.abort())
      const request = { name, watch: options.watch, json: options.output === 'json' }
      await status(request, new Kubectl(options), screen, ending.signal)
    })

  withKubectlOptions(root.command('history'))
    .description('list the revisions that can be gone back to')
    .argument('<name>', 'AuthService')
    .option('-o, --output <format>', 'json for a machine', parseOutput)
    .action((name: string, options: KubectlOptions & { output?: 'json' }) =>
      history(name, options.output === 'json', new Kubectl(options), screen),
    )

  addOrder(root, 'promote', 'let the traffic move to the new colour', 'promote')
  addOrder(root, 'abort', 'take back the rollout that is under way', 'abort')
  addOrder(root, 'rollback', 'go back to an earlier revision: the one before, or one that is named', 'rollback-to')
  withKubectlOptions(root.command('restart'))
    .description('replace every server pod, as in an update')
    .argument('<name>', 'AuthService')
    .action((name: string, options: KubectlOptions) => order('restart', name, undefined, options))

  withKubectlOptions(root.command('restore'))
    .description('replace the users of an AuthService by those of a backup; without BACKUP, list the backups')
    .argument('<name>', 'AuthService')
    .argument('[backup]', 'file name of a backup, or latest')
    .option('-y, --yes', 'do not ask', false)
    .option('--timeout <seconds>', 'how long to wait for the Job', parseSeconds, 1800)
    .action((name: string, backup: string | undefined, options: RestoreOptions) => {
      const { yes, timeout: timeoutSeconds } = options
      return restore({ name, backup, yes, timeoutSeconds }, new Kubectl(options), terminal)
    })

  return root
}

/** A command that writes one annotation. It is taken once, and `status` shows what comes of it. */
function addOrder(root: Command, command: string, description: string, annotation: Order): void {
  withKubectlOptions(root.command(command))
    .description(description)
    .argument('<name>', 'AuthService')
    .argument('[revision]', 'number or hash of a revision; see history')
    .action((name: string, revision: string | undefined, options: KubectlOptions) =>
      order(annotation, name, revision, options),
    )
}

async function order(annotation: Order, name: string, revision: string | undefined, options: KubectlOptions) {
  const value = await give(annotation, name, revision, { kubectl: new Kubectl(options), now: new Date() })
  screen.print(`${annotation} ${value} is asked for; see kubectl authservice status ${name} --watch`)
}

const screen: Screen = {
  isTerminal: process.stdout.isTTY === true,
  get columns() {
    return process.stdout.columns
  },
  print: (text) => console.log(text),
  // Line by line over the old one, because a screen that is emptied first flickers.
  repaint: (text) => process.stdout.write(`\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[K\n\u001b[J`),
}

type RestoreOptions = KubectlOptions & { yes: boolean; timeout: number }

/** The options of kubectl itself: it hands everything after the name of the plug-in over. */
function withKubectlOptions(command: Command): Command {
  return command
    .option('-n, --namespace <namespace>', "namespace of the AuthService; the context's by default")
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
  throw new InvalidArgumentError(`output format "${value}" is not known: leave --output away or write --output json`)
}

function parseSeconds(value: string): number {
  const seconds = Number(value)
  if (Number.isInteger(seconds) && seconds > 0) return seconds
  throw new InvalidArgumentError(`"${value}" is no number of seconds: write a whole number above 0`)
}
