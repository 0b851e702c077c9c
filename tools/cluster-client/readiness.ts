import type { Kubectl } from './kubectl.ts'

/** The parts of an AuthService that show its progress. */
export interface ObservedAuthService {
  metadata: { generation?: number }
  status?: {
    observedGeneration?: number
    conditions?: { type: string; status: string; reason?: string; message?: string; observedGeneration?: number }[]
  }
}

/** The progress of an AuthService, with a message for people. */
export type Readiness =
  | { state: 'ready' }
  | { state: 'waiting'; message: string }
  | { state: 'stalled'; message: string }

/**
 * Reads the conditions as kstatus does: `Ready` counts only for the current generation, and `Stalled` means that
 * waiting does not help.
 * @see https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
export function readinessOf(authService: ObservedAuthService): Readiness {
  const conditions = authService.status?.conditions
  if (conditions === undefined) return { state: 'waiting', message: 'the operator has not reconciled it yet' }

  const current = conditions.filter((condition) => condition.observedGeneration === authService.metadata.generation)
  const stalled = current.find((condition) => condition.type === 'Stalled' && condition.status === 'True')
  if (stalled) return { state: 'stalled', message: stalled.message ?? stalled.reason ?? 'no reason given' }
  const ready = current.find((condition) => condition.type === 'Ready')
  if (ready?.status === 'True') return { state: 'ready' }
  return { state: 'waiting', message: ready?.message ?? 'the operator has not reconciled the last change yet' }
}

/**
 * Waits until the AuthService is ready. Reports what it waits for, whenever that changes.
 * @throws when it is stalled, or not ready within `timeoutSeconds`: the message says what it waited for last
 */
export async function waitUntilReady(
  kubectl: Kubectl,
  { namespace, name, timeoutSeconds }: { namespace: string; name: string; timeoutSeconds: number },
  onProgress: (message: string) => void,
): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000
  let last = ''
  for (;;) {
    const readiness = readinessOf(await kubectl.json(['get', 'authservice', name, '--namespace', namespace]))
    if (readiness.state === 'ready') return
    if (readiness.state === 'stalled') {
      throw new Error(
        `AuthService ${namespace}/${name} needs a change before it can become ready: ${readiness.message}`,
      )
    }
    if (readiness.message !== last) onProgress(readiness.message)
    last = readiness.message
    if (performance.now() > deadline) {
      throw new Error(
        `AuthService ${namespace}/${name} is not ready after ${timeoutSeconds} s. Status: ${last}. ` +
          `Run: ${kubectl.commandLine} describe authservice ${name} --namespace ${namespace}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
