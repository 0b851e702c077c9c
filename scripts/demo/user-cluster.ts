import { createInterface } from 'node:readline/promises'
import { operatorDeployment, operatorNamespace, overlay } from '../../tools/cluster-client/install-operator.ts'
import { type Kubectl, kubectlFor } from '../../tools/cluster-client/kubectl.ts'
import { forwardPort } from '../../tools/cluster-client/port-forward.ts'
import { namespaceManifest, type Quickstart } from '../../tools/cluster-client/quickstart.ts'
import { describeChanges, plannedChanges } from './planned-changes.ts'
import type { Target } from './target.ts'

/** A cluster of the user, selected by a context of the user's kubeconfig. */
export function userCluster(context: string, quickstart: Quickstart): Target {
  const kubectl = kubectlFor('kubectl', ['--context', context])
  const edge = { namespace: quickstart.namespace, target: `service/${quickstart.name}-edge`, port: 443 }
  return {
    kubectl,
    openEdge: () => forwardPort(kubectl, edge),
    preparation: [
      `kubectl --context ${context} port-forward -n ${edge.namespace} ${edge.target} 8443:443 &   # then use port 8443`,
    ],
    kubectlFlags: ['--context', context],
    removal: `npm run demo -- --context ${context} --down`,
  }
}

/**
 * Shows the planned changes of the user's cluster and asks for confirmation.
 * @returns whether to continue
 * @throws if the cluster does not answer, or if there is no terminal
 */
export async function confirmChanges(kubectl: Kubectl, quickstart: Quickstart, yes: boolean): Promise<boolean> {
  const manifests = `${await kubectl.run(['kustomize', overlay])}\n---\n${namespaceManifest(quickstart.namespace)}`
  console.log(
    `In the cluster of ${kubectl.commandLine}, the demo will\n` +
      `${describeChanges(await plannedChanges(kubectl, manifests))}\n` +
      `  create  AuthService ${quickstart.namespace}/${quickstart.name} and the objects that the operator creates for it\n` +
      'The cluster must have the two images of this version, or be able to pull them.',
  )
  return yes || (await confirmInTerminal())
}

/** @throws when the terminal is not interactive */
export async function confirmInTerminal(): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error('This is not a terminal, so you cannot confirm: run it again with --yes.')
  const prompt = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test((await prompt.question('Continue? [y/N] ')).trim())
  } finally {
    prompt.close()
  }
}

/**
 * Removes the demo: its namespace always, the operator and the CRD only if no other AuthService needs them.
 * @returns what was kept, as a sentence; undefined if nothing was kept
 */
export async function removeFromUserCluster(kubectl: Kubectl, { namespace }: Quickstart): Promise<string | undefined> {
  await kubectl.run(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s'], { timeoutSeconds: 130 })
  const crd = await kubectl.run(['get', 'crd', 'authservices.auth-operator.dev', '--ignore-not-found', '-o', 'name'])
  const others = crd === '' ? '' : await kubectl.run(['get', 'authservices', '--all-namespaces', '-o', 'name'])
  if (others !== '') {
    return `Other AuthServices are in this cluster, so the operator (${operatorNamespace}/${operatorDeployment}) stays: ${others.split('\n').join(', ')}`
  }
  await kubectl.run(['delete', '--kustomize', overlay, '--ignore-not-found', '--timeout=120s'], { timeoutSeconds: 130 })
  return undefined
}
