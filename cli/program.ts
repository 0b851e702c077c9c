import { Command, InvalidArgumentError } from 'commander'
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

  return root
}

function parseOutput(value: string): 'json' {
  if (value === 'json') return value
  throw new InvalidArgumentError(`output format "${value}" is not known: leave --output away or write --output json`)
}
