import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { checker } from './go-checkers.ts'

const home = join(tmpdir(), 'authservice-helm')

/** Environment of a helm that neither reads nor changes what the user has configured. */
export const helmHomes = {
  HELM_CACHE_HOME: join(home, 'cache'),
  HELM_CONFIG_HOME: join(home, 'config'),
  HELM_DATA_HOME: join(home, 'data'),
}

/** How helm ended. */
export interface HelmResult {
  ok: boolean
  stdout: string
  stderr: string
}

/**
 * Runs helm to its end.
 * @param kubeconfigPath for commands that need a cluster
 */
export async function helm(programArguments: readonly string[], kubeconfigPath?: string): Promise<HelmResult> {
  const cluster = kubeconfigPath === undefined ? {} : { KUBECONFIG: kubeconfigPath }
  const { stdout, stderr, failed } = await execa(await checker('helm'), programArguments, {
    env: { ...helmHomes, ...cluster },
    reject: false,
  })
  return { ok: !failed, stdout, stderr }
}
