import { type Block, commandsOf } from './blocks.ts'
import { notRun } from './not-run.ts'

/**
 * What runs a block of shell. `apiServer`: a test with an API server, because objects are enough. `helm`: a test with an
 * API server of its own, because a release owns objects of the whole cluster. `cluster`: a test on a cluster, because
 * pods must run. `compose`: a test with the real Docker Compose. `release`: a test of a dry run, because a release must
 * exist. `npm`: a script of this project, which must exist. `listed`: no test, for a reason in `not-run.ts`. `unknown`:
 * no test, without a reason.
 */
export type Runner = 'apiServer' | 'helm' | 'cluster' | 'compose' | 'release' | 'npm' | 'listed' | 'unknown'

/** Commands that need kubelets, controllers or the metrics API. */
const needsPods = /\b(logs|exec|port-forward|top|wait|rollout status|events|describe pod|get pods?,|get jobs?,)\b/

/** Commands that need what a release publishes. */
const refersToRelease = /releases\/download\/|oci:\/\/|^(cosign|crane) /

export function runnerOf(block: Block): Runner {
  const commands = commandsOf(block)
  if (notRun.some((entry) => isAbout(entry, block))) return 'listed'
  if (commands.some((command) => refersToRelease.test(command))) return 'release'
  if (commands.every((command) => /^([A-Z_]+=\S+ )*npm (run |test)/.test(command))) return 'npm'
  if (commands.some((command) => command.startsWith('kubectl authservice'))) return 'unknown'
  if (commands.some((command) => command.startsWith('helm '))) return 'helm'
  if (commands.some((command) => command.includes('docker compose '))) return 'compose'
  if (!commands.some((command) => command.startsWith('kubectl '))) return 'unknown'
  return commands.some((command) => needsPods.test(command)) ? 'cluster' : 'apiServer'
}

export function isAbout({ page, begins }: (typeof notRun)[number], block: Block): boolean {
  return block.page === page && (commandsOf(block)[0] ?? '').startsWith(begins)
}

/** The scripts of package.json that a block of `npm run` names. */
export function npmScriptsOf(block: Block): string[] {
  return commandsOf(block).flatMap(
    (command) => /^(?:[A-Z_]+=\S+ )*npm (?:run ([\w:-]+)|(test))\b/.exec(command)?.slice(1).filter(Boolean) ?? [],
  )
}

/** Commands that affect the whole cluster run as a dry run, because other tests use it at the same time. */
export function withoutSideEffects(script: string): string {
  return script.replaceAll(/^(kubectl (?:apply|delete) .*-k \S+)/gm, '$1 --dry-run=server')
}
