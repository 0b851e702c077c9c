import { join, resolve } from 'node:path'
import type { Kubectl } from './kubectl.ts'

const root = resolve(import.meta.dirname, '../..')

/** What the demo and the end-to-end tests apply: one operator, small, with a readable log. */
export const overlay = join(root, 'manifests/overlays/development')
export const operatorNamespace = 'authservice-system'
export const operatorDeployment = 'authservice-operator'

/**
 * Installs the operator, or changes the one that is there to this version, and waits until it runs.
 * @throws with the reason that the pods give when it does not run within 2 minutes
 */
export async function installOperator(kubectl: Kubectl): Promise<void> {
  await kubectl.run(['apply', '--server-side', '--force-conflicts', '--kustomize', overlay])
  await kubectl.run(['wait', '--for=condition=Established', 'crd/authservices.auth-operator.dev', '--timeout=30s'])
  try {
    await kubectl.run(
      ['rollout', 'status', `deployment/${operatorDeployment}`, '--namespace', operatorNamespace, '--timeout=120s'],
      { timeoutSeconds: 130 },
    )
  } catch (error) {
    throw new Error(`The operator does not run. ${await whyNotRunning(kubectl)}`, { cause: error })
  }
}

/** The last words of the operator's pods: their waiting reasons and log. */
async function whyNotRunning(kubectl: Kubectl): Promise<string> {
  const pods = await kubectl.run(['get', 'pods', '--namespace', operatorNamespace])
  const log = await kubectl
    .run(['logs', `deployment/${operatorDeployment}`, '--namespace', operatorNamespace, '--tail=10'])
    .catch((error: Error) => error.message)
  return `Its pods:\n${pods}\nIts log:\n${log}`
}
