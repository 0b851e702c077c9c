import { join, resolve } from 'node:path'
import type { Kubectl } from './kubectl.ts'

const root = resolve(import.meta.dirname, '../..')

/** The overlay that the demo, the tests and the benches apply: one small operator with a readable log. */
export const overlay = join(root, 'manifests/overlays/development')
export const operatorNamespace = 'authservice-system'
export const operatorDeployment = 'authservice-operator'

/**
 * Installs the operator, or updates an existing one to this version, and waits until it runs. Replaces its pods, because an
 * image that was built again keeps its name, so that the Deployment does not change.
 *
 * @throws with the reason that its pods give, when it does not run within 2 minutes
 */
export async function installOperator(kubectl: Kubectl): Promise<void> {
  const inNamespace = [`deployment/${operatorDeployment}`, '--namespace', operatorNamespace]
  const existing = await kubectl.run(['get', ...inNamespace, '--ignore-not-found', '--output=name'])
  await kubectl.run(['apply', '--server-side', '--force-conflicts', '--kustomize', overlay])
  await kubectl.run(['wait', '--for=condition=Established', 'crd/authservices.auth-operator.dev', '--timeout=30s'])
  if (existing !== '') await kubectl.run(['rollout', 'restart', ...inNamespace])
  try {
    await kubectl.run(['rollout', 'status', ...inNamespace, '--timeout=120s'], { timeoutSeconds: 130 })
  } catch (error) {
    throw new Error(`The operator does not run. ${await notRunningReason(kubectl)}`, { cause: error })
  }
}

/** The status of the operator's pods and the end of its log. */
async function notRunningReason(kubectl: Kubectl): Promise<string> {
  const pods = await kubectl.run(['get', 'pods', '--namespace', operatorNamespace])
  const log = await kubectl
    .run(['logs', `deployment/${operatorDeployment}`, '--namespace', operatorNamespace, '--tail=10'])
    .catch((error: Error) => error.message)
  return `Its pods:\n${pods}\nIts log:\n${log}`
}
