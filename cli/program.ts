import { createInterface } from 'node:readline/promises'
import { Command, InvalidArgumentError } from 'commander'
import { restore, type Terminal } from './backups/restore.ts'
import { Kubectl, type KubectlOptions } from './kubectl.ts'
import manifest from './package.json' with { type: 'json' }

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
